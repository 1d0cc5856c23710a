"""A balanced part of Fashion-MNIST: how it is read, and how it was made.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..images import ImageSet
from ..request import Request

__all__ = ["FILE", "load_embedded", "make_embedded"]

FILE = Path(__file__).with_name("fashion-mnist.npz")
"""Arrays ``images``, ``labels`` and ``indices`` of the training part, ``test_images``, … of the test part."""

_CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_Bytes = NDArray[np.uint8]
_Places = NDArray[np.int32]


def load_embedded(request: Request) -> ImageSet:
    """Load ``embedded``: 8,000 training and 2,000 test images of Fashion-MNIST, as many of each class."""
    with np.load(FILE, allow_pickle=False) as arrays:  # noqa: TID251 - ships with the package
        images, test_images = (torch.from_numpy(arrays[key]).unsqueeze(1) for key in ("images", "test_images"))
        labels, test_labels = (torch.from_numpy(arrays[key]).long() for key in ("labels", "test_labels"))
    return ImageSet(request.name, images, labels, test_images, test_labels, _CLASSES)


def make_embedded(root: str, file: Path = FILE, *, train: int = 8000, test: int = 2000, seed: int = 0) -> None:
    """Write the embedded file; it was made by ``make_embedded(root)``.

    Args:
        root: the folder that holds ``FashionMNIST/raw``.
        file: where to write.
        train: the number of training images, spread evenly over the classes.
        test: the number of test images, likewise.
        seed: decides which images are taken. Their places in the full set are stored beside them.
    """
    from torchvision.datasets import FashionMNIST  # reading the file does without

    random = np.random.default_rng(seed)
    images, labels, indices = _chosen(FashionMNIST(root, train=True), train, random)
    test_images, test_labels, test_indices = _chosen(FashionMNIST(root, train=False), test, random)
    np.savez_compressed(
        file,
        images=images,
        labels=labels,
        indices=indices,
        test_images=test_images,
        test_labels=test_labels,
        test_indices=test_indices,
    )


def _chosen(part: Any, count: int, random: np.random.Generator) -> tuple[_Bytes, _Bytes, _Places]:
    images, labels = part.data.numpy(), part.targets.numpy()
    each = count // len(_CLASSES)
    members = (np.flatnonzero(labels == label) for label in range(len(_CLASSES)))
    indices = np.sort(np.concatenate([random.choice(places, each, replace=False) for places in members]))
    return images[indices], labels[indices].astype(np.uint8), indices.astype(np.int32)
