"""An image set is checked when it is made, and its fingerprint covers all of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lrlc_nas.data import ImageSet
from lrlc_nas.errors import InputError

Make = Callable[..., ImageSet]


def changed(tensor: Tensor | None, place: tuple[int, ...], value: int) -> Tensor:
    assert tensor is not None
    copy = tensor.clone()
    assert copy[place] != value
    copy[place] = value
    return copy


def test_equal_sets_have_equal_fingerprints_whatever_they_are_called(make_images: Make) -> None:
    images = make_images(channels=3, test=6)
    assert images.fingerprint == make_images(channels=3, test=6).fingerprint
    assert images.fingerprint == replace(images, name="other").fingerprint
    columns_first = images.images.contiguous(memory_format=torch.channels_last)
    assert images.fingerprint == replace(images, images=columns_first).fingerprint
    assert len(images.fingerprint) == 64


def test_every_pixel_label_name_and_shape_counts(make_images: Make) -> None:
    images = make_images(count=5000, test=6)
    other_pixel = (int(images.images[4999, 0, 3, 3]) + 1) % 256
    assert images.test_images is not None
    other_test_pixel = (int(images.test_images[5, 0, 0, 0]) + 1) % 256
    variants = [
        images,
        replace(images, images=changed(images.images, (4999, 0, 3, 3), other_pixel)),
        replace(images, labels=changed(images.labels, (4999,), 0)),
        replace(images, test_images=changed(images.test_images, (5, 0, 0, 0), other_test_pixel)),
        replace(images, test_labels=changed(images.test_labels, (5,), 0)),
        replace(images, test_images=None, test_labels=None),
        replace(images, classes=("class 0", "class one")),
        replace(images, images=images.images.reshape(-1, 1, 2, 8), test_images=images.test_images.reshape(-1, 1, 2, 8)),
    ]
    assert len({variant.fingerprint for variant in variants}) == len(variants)


def test_channels_and_size(make_images: Make) -> None:
    images = make_images(channels=3, side=5)
    assert (images.channels, images.size) == (3, (5, 5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(40, 1, 4, 4)}, r"images must be uint8 .* got torch.float32 with shape \(40, 1, 4, 4\)"),
        ({"images": torch.zeros(40, 4, 4, dtype=torch.uint8)}, r"shape \(N, C, H, W\) .* shape \(40, 4, 4\)"),
        ({"images": torch.zeros(0, 1, 4, 4, dtype=torch.uint8)}, "not empty"),
        ({"labels": torch.zeros(39, dtype=torch.int64)}, r"labels must be int64 with shape \(40,\), .*\(39,\)"),
        ({"labels": torch.zeros(40)}, "labels must be int64 .* got torch.float32"),
        ({"labels": torch.arange(40) % 3}, r"labels must lie in 0..1, but got 0..2"),
        ({"labels": torch.arange(40) % 2 - 1}, r"labels must lie in 0..1, but got -1..0"),
        ({"labels": torch.zeros(40, dtype=torch.int64)}, r"none of class 1 \(class 1\)"),
        ({"classes": ("only",)}, r"at least two classes, but got \['only'\]"),
        ({"test_labels": None}, "test images and test labels must be given together"),
        ({"test_labels": torch.full((6,), 2)}, "test labels must lie in 0..1, but got 2..2"),
        ({"test_labels": torch.zeros(5, dtype=torch.int64)}, r"test labels must be int64 with shape \(6,\)"),
        (
            {"test_images": torch.zeros(6, 3, 4, 4, dtype=torch.uint8)},
            r"test images must have the shape .*\(3, 4, 4\) and \(1, 4, 4\)",
        ),
    ],
)
def test_a_set_rejects(make_images: Make, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(make_images(test=6), **change)
