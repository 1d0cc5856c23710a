"""Resizing a set."""

from collections.abc import Callable
from dataclasses import replace

import torch

from lrlc_nas.data import ImageSet
from lrlc_nas.data.sources import resized

Make = Callable[..., ImageSet]


def test_resizing_changes_size_alone(make_images: Make) -> None:
    images = make_images(test=6)
    assert resized(images, None) is images
    assert resized(images, 4) is images
    larger = resized(images, 9)
    assert larger.images.shape == (40, 1, 9, 9)
    assert larger.test_images is not None
    assert larger.test_images.shape == (6, 1, 9, 9)
    assert larger.images.dtype == torch.uint8
    assert torch.equal(larger.labels, images.labels)


def test_halving_even_images_keeps_a_constant_and_orders_a_ramp(make_images: Make) -> None:
    constant = torch.full((2, 1, 8, 8), 77, dtype=torch.uint8)
    assert (resized(replace(make_images(2), images=constant), 4).images == 77).all()
    ramp = (torch.arange(8, dtype=torch.uint8) * 30).expand(2, 1, 8, 8).contiguous()
    small = resized(replace(make_images(2), images=ramp), 4).images
    assert (small.int().diff(dim=3) > 0).all()
    assert (small.int().diff(dim=2) == 0).all()
