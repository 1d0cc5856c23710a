"""How the images that ship with the package were made."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torchvision.datasets import FashionMNIST

from lrlc_nas.data.embedded.subset import CLASSES, FILE

Bytes = NDArray[np.uint8]
Places = NDArray[np.int32]


def make_embedded(root: str, file: Path = FILE, *, train: int = 8000, test: int = 2000, seed: int = 0) -> None:
    """Write the embedded file; it was made by ``make_embedded(root)``.

    Args:
        root: the folder that holds ``FashionMNIST/raw``.
        file: where to write.
        train: the number of training images, spread evenly over the classes.
        test: the number of test images, likewise.
        seed: decides which images are taken. Their places in the full set are stored beside them.
    """
    random = np.random.default_rng(seed)
    images, labels, indices = chosen(FashionMNIST(root, train=True), train, random)
    test_images, test_labels, test_indices = chosen(FashionMNIST(root, train=False), test, random)
    np.savez_compressed(
        file,
        images=images,
        labels=labels,
        indices=indices,
        test_images=test_images,
        test_labels=test_labels,
        test_indices=test_indices,
    )


def chosen(part: Any, count: int, random: np.random.Generator) -> tuple[Bytes, Bytes, Places]:
    images, labels = part.data.numpy(), part.targets.numpy()
    each = count // len(CLASSES)
    members = (np.flatnonzero(labels == label) for label in range(len(CLASSES)))
    indices = np.sort(np.concatenate([random.choice(places, each, replace=False) for places in members]))
    return images[indices], labels[indices].astype(np.uint8), indices.astype(np.int32)
