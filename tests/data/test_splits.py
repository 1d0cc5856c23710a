"""Dealing out images: disjoint, exact, a function of the seed."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.config import SplitSpec
from lrlc_nas.data import ImageSet, Splits, split
from lrlc_nas.errors import InputError

Make = Callable[..., ImageSet]
ROLES = ("train", "search", "confirm", "test")


def numbered(count: int, test: int = 0) -> ImageSet:
    """Images that tell their place: image n holds n in its two pixels; test images begin at 40,000."""

    def images(first: int, many: int) -> torch.Tensor:
        places = torch.arange(first, first + many)
        return torch.stack([places // 256, places % 256], dim=1).to(torch.uint8).reshape(many, 1, 1, 2)

    labels = torch.arange(count) % 2
    if not test:
        return ImageSet("numbered", images(0, count), labels, None, None, ("even", "odd"))
    return ImageSet("numbered", images(0, count), labels, images(40_000, test), torch.arange(test) % 2, ("even", "odd"))


def places(splits: Splits, role: str) -> list[int]:
    high, low = getattr(splits, role).images.flatten(1).long().unbind(1)
    return (high * 256 + low).tolist()


def sizes(splits: Splits) -> tuple[int, ...]:
    return tuple(len(getattr(splits, role)) for role in ROLES)


shares = st.one_of(st.floats(0.05, 0.25), st.integers(1, 15))


@given(
    count=st.integers(60, 300),
    seed=st.integers(0, 2**63 - 1),
    train=st.one_of(st.none(), st.integers(1, 400)),
    search=shares,
    confirm=shares,
    test=shares,
)
def test_roles_are_disjoint_and_exact(
    count: int, seed: int, train: int | None, search: float, confirm: float, test: float
) -> None:
    spec = SplitSpec(seed, train, search, confirm, test)
    splits = split(numbered(count), spec)
    dealt = [place for role in ROLES for place in places(splits, role)]
    assert len(set(dealt)) == len(dealt)
    for role in ROLES:
        part = getattr(splits, role)
        assert part.labels.tolist() == [place % 2 for place in places(splits, role)]

    def number(share: float, whole: int) -> int:
        return share if isinstance(share, int) else round(share * whole)

    expected_test = number(test, count)
    pool = count - expected_test
    remaining = pool - number(search, pool) - number(confirm, pool)
    expected_train = remaining if train is None else min(train, remaining)
    assert sizes(splits) == (expected_train, number(search, pool), number(confirm, pool), expected_test)


def test_defaults() -> None:
    assert sizes(split(numbered(1000), SplitSpec())) == (594, 128, 128, 150)
    splits = split(numbered(1000, test=70), SplitSpec())
    assert sizes(splits) == (700, 150, 150, 70)
    assert places(splits, "test") == list(range(40_000, 40_070))


def test_a_split_is_a_function_of_the_seed() -> None:
    images = numbered(200)
    first, again, other = (split(images, SplitSpec(seed=seed)) for seed in (5, 5, 6))
    torch.manual_seed(99)
    assert split(images, SplitSpec(seed=5)).digest == first.digest == again.digest != other.digest
    for role in ROLES:
        assert places(first, role) == places(again, role)
        assert places(first, role) != places(other, role)
        assert places(first, role) != sorted(places(first, role))


def test_drawing_a_split_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    split(numbered(50), SplitSpec())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_sealed_roles_do_not_move_with_the_others() -> None:
    images = numbered(200)
    base = split(images, SplitSpec())
    capped = split(images, SplitSpec(train=50))
    searched = split(images, SplitSpec(search=0.3))
    assert places(capped, "train") == places(base, "train")[:50]
    assert places(capped, "search") == places(base, "search")
    for role in ("confirm", "test"):
        assert places(capped, role) == places(searched, role) == places(base, role)


def test_the_digest_covers_the_images_and_the_roles() -> None:
    images = numbered(100)
    other_label = images.labels.clone()
    other_label[0] = 1
    digests = [
        split(images, SplitSpec()).digest,
        split(images, SplitSpec(train=20)).digest,
        split(images, SplitSpec(search=0.2)).digest,
        split(replace(images, labels=other_label), SplitSpec()).digest,
        split(numbered(100, test=10), SplitSpec()).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert split(images, SplitSpec(search=15)).digest != split(images, SplitSpec(search=14)).digest
    assert split(images, SplitSpec(test=15)).digest == split(images, SplitSpec(test=0.15)).digest


def test_moments_are_those_of_the_training_images_alone(make_images: Make) -> None:
    splits = split(make_images(count=60, channels=3), SplitSpec())
    values = splits.train.images.double() / 255
    assert splits.mean == pytest.approx(values.mean((0, 2, 3)).tolist())
    assert splits.std == pytest.approx(values.std((0, 2, 3), correction=0).tolist())


def test_a_constant_channel_can_be_divided_by(make_images: Make) -> None:
    images = make_images(count=60, channels=2)
    images.images[:, 1] = 51
    splits = split(images, SplitSpec())
    assert splits.mean[1] == pytest.approx(0.2)
    assert splits.std[1] == 1.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seed": -1}, "seed must be a whole number of at least 0, but got -1"),
        ({"seed": 1.0}, "seed must be a whole number of at least 0, but got 1.0"),
        ({"train": 0}, "train must be a whole number of at least 1, but got 0"),
        ({"train": 0.5}, "train must be a whole number of at least 1, but got 0.5"),
        ({"search": 0}, "search must be a fraction between 0 and 1 or a number of images, but got 0"),
        ({"search": 1.0}, "search must be a fraction"),
        ({"confirm": -0.1}, "confirm must be a fraction"),
        ({"confirm": True}, "confirm must be a fraction"),
        ({"test": float("nan")}, "test must be a fraction"),
        ({"test": "all"}, "test must be a fraction .* but got 'all'"),
    ],
    ids=str,
)
def test_a_spec_rejects(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SplitSpec(**values)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (SplitSpec(search=0.01), "search = 0.01 leaves no search images: the set has 17 to share"),
        (SplitSpec(test=0.01), "test = 0.01 leaves no test images: the set has 20 to share"),
        (SplitSpec(test=20), "test = 20 asks for 20 images, but only 20 of 20 are left"),
        (SplitSpec(confirm=0.5, search=9), "search = 9 asks for 9 images, but only 9 of 17 are left"),
    ],
    ids=str,
)
def test_a_split_without_images_in_a_role_is_rejected(spec: SplitSpec, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(numbered(20), spec)
