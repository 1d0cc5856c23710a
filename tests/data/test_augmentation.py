"""Augmentation against a loop over images and pixels."""

import pytest
import torch
from torch import Tensor

from lrlc_nas.data import Augmentation, augment
from lrlc_nas.errors import InputError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return torch.randint(1, 256, shape, generator=generator(7), dtype=torch.uint8)


def crops(image: Tensor, pad: int, flip: bool) -> list[Tensor]:
    """Every image that augmentation may make of one image (C, H, W), pixel by pixel."""
    _, height, width = image.shape
    made = []
    for mirrored in (False, True) if flip else (False,):
        for row in range(-pad, pad + 1):
            for column in range(-pad, pad + 1):
                out = torch.zeros_like(image)
                for y in range(height):
                    for x in range(width):
                        from_y, from_x = y + row, (width - 1 - x if mirrored else x) + column
                        if 0 <= from_y < height and 0 <= from_x < width:
                            out[:, y, x] = image[:, from_y, from_x]
                made.append(out)
    return made


@pytest.mark.parametrize(("pad", "flip"), [(1, False), (1, True), (2, True), (0, True)])
def test_each_image_becomes_each_of_its_crops_equally_often(pad: int, flip: bool) -> None:
    image = noise(2, 3, 4)
    possible = crops(image, pad, flip)
    count = 200 * len(possible)
    made = augment(image.expand(count, -1, -1, -1), Augmentation(pad, flip), generator())
    times = [int((made == crop).flatten(1).all(dim=1).sum()) for crop in possible]
    assert sum(times) == count
    assert all(130 < time < 270 for time in times)  # 200 expected; five standard deviations are 70


def test_images_of_a_batch_are_not_mixed() -> None:
    images = noise(64, 2, 3, 5)
    made = augment(images, Augmentation(pad=1, flip=True), generator())
    for before, after in zip(images, made, strict=True):
        assert any(torch.equal(after, crop) for crop in crops(before, 1, True))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_type_and_shape_stay(dtype: torch.dtype) -> None:
    images = noise(5, 3, 6, 4)
    made = augment(images.to(dtype), Augmentation(2, True), generator())
    assert (made.dtype, made.shape) == (dtype, images.shape)
    assert torch.equal(made, augment(images, Augmentation(2, True), generator()).to(dtype))


def test_the_draws_come_from_the_generator_alone() -> None:
    images, augmentation = noise(20, 1, 6, 6), Augmentation(2, True)
    before = torch.random.get_rng_state()
    first = augment(images, augmentation, generator(1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, augment(images, augmentation, generator(1)))
    assert not torch.equal(first, augment(images, augmentation, generator(2)))


def test_nothing_to_do_changes_nothing_and_draws_nothing() -> None:
    images, random = noise(4, 1, 3, 3), generator()
    state = random.get_state()
    assert augment(images, Augmentation(), random) is images
    assert torch.equal(random.get_state(), state)


def test_the_images_that_come_in_are_left_alone() -> None:
    images = noise(4, 1, 5, 5)
    copy = images.clone()
    augment(images, Augmentation(1, True), generator())
    assert torch.equal(images, copy)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"pad": -1}, "pad must be a whole number of at least 0, but got -1"),
        ({"pad": 1.5}, "pad must be a whole number of at least 0, but got 1.5"),
        ({"pad": True}, "pad must be a whole number"),
        ({"flip": 1}, "flip must be true or false, but got 1"),
    ],
    ids=str,
)
def test_an_augmentation_rejects(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Augmentation(**values)


def test_a_border_as_wide_as_the_image_is_rejected() -> None:
    augment(noise(1, 1, 3, 9), Augmentation(pad=2), generator())
    with pytest.raises(InputError, match="pad must be less than the side of an image, 3x9, but got 3"):
        augment(noise(1, 1, 3, 9), Augmentation(pad=3), generator())
