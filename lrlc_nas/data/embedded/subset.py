"""A balanced part of Fashion-MNIST; tests/data/making_embedded.py made it.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..images import ImageSet
from ..request import Request

__all__ = ["CLASSES", "FILE", "load_embedded"]

FILE = Path(__file__).with_name("fashion-mnist.npz")
"""Arrays ``images``, ``labels`` and ``indices`` of the training part, ``test_images``, … of the test part."""

CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def load_embedded(request: Request) -> ImageSet:
    """Load ``embedded``: 8,000 training and 2,000 test images of Fashion-MNIST, as many of each class."""
    with np.load(FILE, allow_pickle=False) as arrays:  # noqa: TID251 - ships with the package
        images, test_images = (torch.from_numpy(arrays[key]).unsqueeze(1) for key in ("images", "test_images"))
        labels, test_labels = (torch.from_numpy(arrays[key]).long() for key in ("labels", "test_labels"))
    return ImageSet(request.name, images, labels, test_images, test_labels, CLASSES)
