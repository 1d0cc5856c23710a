"""Planted images: drawn as said, the same every time, and blind where they must be."""

from __future__ import annotations

from dataclasses import replace
from math import erf, sqrt

import pytest
import torch
from torch import Tensor

from lrlc_nas.data import ImageSet, load_images
from lrlc_nas.errors import InputError
from lrlc_nas.references import import_function
from studies import planted

CLEAN = {"noise": 0, "agreement": 1.0, "train": 40, "test": 10}


def load(**options: object) -> ImageSet:
    return load_images("studies.planted:images", options=options)


def standing(images: Tensor, scale: int = 2) -> Tensor:
    """Whether the stripes of each cell of (N, 1, H, W) stand: where its columns differ more than its rows."""
    cells = images[:, 0].double().unfold(1, scale, scale).unfold(2, scale, scale)
    half = scale // 2
    lying = (cells[..., :half, :] - cells[..., half:, :]).sum((-1, -2)).abs()
    upright = (cells[..., :half] - cells[..., half:]).sum((-1, -2)).abs()
    return upright > lying


@pytest.mark.parametrize(
    ("variant", "fingerprint"),
    [
        ("signal", "50490a6262a4dd81ff832400eb1d86c2b615e28d22e6724154bdf0598a5089cf"),
        ("null", "19aeaa8cf76ee54275f2afd2b03e602a4d78ff165e626e292d7086c97474e2a5"),
    ],
)
def test_the_images_are_the_same_everywhere(variant: str, fingerprint: str) -> None:
    images = load(variant=variant)
    assert images.images.shape == (4000, 1, 16, 16)
    assert images.test_images is not None
    assert images.test_images.shape == (1000, 1, 16, 16)
    named = replace(images, classes=("lying first", "standing first"))
    assert named.fingerprint == fingerprint, "as they were drawn when the package held them"


def test_the_classes_are_balanced() -> None:
    images = load(train=100, test=50)
    assert torch.bincount(images.labels).tolist() == [50, 50]
    assert images.test_labels is not None
    assert torch.bincount(images.test_labels).tolist() == [25, 25]


def test_every_option_changes_the_images() -> None:
    changes = {"variant": "null", "scale": 4, "stripe": 2, "agreement": 0.7, "contrast": 30, "noise": 50}
    variants = [load(train=20, test=4, **{name: value}) for name, value in changes.items()]
    variants += [load(train=20, test=4), load(side=32, train=20, test=4), load(train=20, test=4, seed=1)]
    assert len({images.fingerprint for images in variants}) == len(variants)
    assert variants[-2].size == (32, 32)
    assert not torch.equal(variants[-3].images[:4], variants[-3].test_images)


@pytest.mark.parametrize(("variant", "scale", "stripe"), [("signal", 2, 1), ("signal", 4, 2), ("null", 4, 1)])
def test_clean_images_against_a_loop_over_pixels(variant: str, scale: int, stripe: int) -> None:
    images = load(variant=variant, scale=scale, stripe=stripe, **CLEAN)
    for image, label in zip(images.images[:, 0].tolist(), images.labels.tolist(), strict=True):
        for y in range(16):
            for x in range(16):
                flipped = variant == "signal" and x // scale // stripe % 2 == 1
                stands = (label == 1) != flipped
                place = x if stands else y
                top, left = y // scale * scale, x // scale * scale
                sign = 1 if image[top][left] > 128 else -1
                assert image[y][x] == 128 + 40 * sign * (1 if place % scale < scale // 2 else -1)


def test_half_a_cell_is_uniform_and_as_often_bright_whichever_way_stripes_run() -> None:
    images = load(scale=4, variant="null", noise=0, agreement=1.0, train=2000, test=2)
    halves = images.images.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).double()
    assert torch.equal(halves.amin(-1), halves.amax(-1))
    bright = (halves[..., 0] > 128).double()
    for label in (0, 1):
        share = bright[images.labels == label].mean(0)
        assert (share - 0.5).abs().max() < 0.08  # five standard deviations of 1,000 draws


def test_noise_is_even_and_reaches_its_bounds() -> None:
    images, clean = (planted.images(contrast=1, noise=noise, train=400, test=2)[0] for noise in (9, 0))
    counts = torch.bincount((images.int() - clean.int() + 9).flatten())
    assert len(counts) == 19
    assert (counts / counts.sum() - 1 / 19).abs().max() < 0.004


def test_variants_differ_in_the_flipped_bands_alone() -> None:
    signal, null = (load(variant=variant, stripe=2, train=40, test=2) for variant in ("signal", "null"))
    same = (signal.images == null.images).flatten(0, 2).all(0)
    assert same.tolist() == ([True] * 4 + [False] * 4) * 2


def test_cells_agree_with_their_class_as_often_as_said() -> None:
    images = load(noise=0, agreement=0.7, train=1000, test=2)
    flipped = torch.arange(8) % 2 == 1
    agrees = standing(images.images) ^ flipped ^ (images.labels == 0)[:, None, None]
    assert (agrees.double().mean(0) - 0.7).abs().max() < 0.075  # five standard deviations of 1,000 draws


def test_without_its_place_a_cell_says_nothing_and_with_it_the_majority_is_as_good_as_said() -> None:
    agreement, cells = 0.6, 64
    best = (1 + erf((2 * agreement - 1) * sqrt(cells) / (2 * sqrt(agreement * (1 - agreement))) / sqrt(2))) / 2
    flipped = torch.arange(8) % 2 == 1
    for variant, blind in (("signal", 0.5), ("null", best)):
        images = load(variant=variant, noise=0, agreement=agreement, train=4000, test=2)
        votes = standing(images.images)
        assert majority(votes, images.labels) == pytest.approx(blind, abs=0.03)
        if variant == "signal":
            assert majority(votes ^ flipped, images.labels) == pytest.approx(best, abs=0.03)


def majority(votes: Tensor, labels: Tensor) -> float:
    """Accuracy of the majority of cells; an even vote counts one half."""
    share = votes.double().mean((1, 2))
    right = ((share > 0.5) == (labels == 1)).double()
    return float(torch.where(share == 0.5, 0.5, right).mean())


def test_exchanging_bands_exchanges_the_classes() -> None:
    images = load(stripe=2, **CLEAN)
    columns = standing(images.images).reshape(40, 8, 2, 2, 2)
    moved = columns.flip(3).reshape(40, 8, 8)
    assert torch.equal(moved[::2], standing(images.images)[1::2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "both"}, "variant must be one of signal, null, but got 'both'"),
        ({"scale": 3, "side": 18}, "scale must be even, for a cell has two stripes, but got 3"),
        ({"scale": 0}, "scale must be a whole number of at least 1, but got 0"),
        ({"stripe": 1.0}, "stripe must be a whole number of at least 1, but got 1.0"),
        ({"stripe": 3}, "multiples of 12, two bands of 3 cells of 2 pixels, but got 16"),
        ({"agreement": 0.5}, "agreement must be above 0.5 and at most 1, but got 0.5"),
        ({"agreement": 1.1}, "agreement must be above 0.5 and at most 1, but got 1.1"),
        ({"contrast": 68}, r"contrast \+ noise must be below 128, but got 68 \+ 60"),
        ({"noise": -1}, "noise must be a whole number of at least 0, but got -1"),
        ({"train": 1}, "train must be a whole number of at least 2, but got 1"),
        ({"test": True}, "test must be a whole number of at least 2, but got True"),
        ({"seed": -1}, "seed must be a whole number of at least 0, but got -1"),
        ({"places": 3}, "its options are variant, side, scale, stripe, agreement, contrast, noise, train, test, seed"),
    ],
    ids=str,
)
def test_what_planted_rejects(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=f"images 'studies.planted:images': .*{message}"):
        load(**options)


def test_studies_that_name_what_was_part_of_the_package_are_told_where_it_is() -> None:
    with pytest.raises(InputError, match=r"studies/planted\.toml"):
        load_images("planted")
    with pytest.raises(InputError, match=r"studies/planted\.toml"):
        import_function("lrlc_nas.data.planted_host:pooled_cnn")
