"""Well-known sets that torchvision reads and, when it is asked to, fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .images import ImageSet
from .request import Request

__all__ = ["KNOWN", "explain_missing", "load_known"]


def load_known(request: Request) -> ImageSet:
    """Load one of `KNOWN` with its official test images.

    Raises:
        InputError: if files are missing, damaged or cannot be fetched; the message says where they belong.
    """
    known = KNOWN[request.name]
    with explain_missing(request.root / known.folder, request.download):
        train, test = (known.open(request, is_train) for is_train in (True, False))
    images, labels = known.tensors(train)
    test_images, test_labels = known.tensors(test)
    classes = tuple(getattr(train, "classes", _DIGITS))
    return ImageSet(request.name, images, labels, test_images, test_labels, classes)


@contextmanager
def explain_missing(folder: Path, download: bool) -> Iterator[None]:
    """Turn torchvision's errors into an `InputError` that names the folder and the way out."""
    try:
        yield
    except Exception as error:  # torchvision tells of damage by almost any exception, assertions among them
        way_out = "fetching them failed" if download else "--set data.download=true fetches them"
        what = str(error) or type(error).__name__
        raise InputError(f"its files are missing or damaged in {folder} ({what}); {way_out}") from error


@dataclass(frozen=True)
class _Known:
    """How torchvision has a set: opens its training (True) or test part, turns a part into images and labels.

    Its files lie in the folder, below the root.
    """

    open: Callable[[Request, bool], Any]
    tensors: Callable[[Any], tuple[Tensor, Tensor]]
    folder: str


def _opener(name: str) -> Callable[[Request, bool], Any]:
    return lambda request, is_train: _open(name, request, train=is_train)


def _open(name: str, request: Request, **part: object) -> Any:
    from torchvision import datasets  # takes as long to import as torch; most studies do without

    return getattr(datasets, name)(str(request.root), download=request.download, **part)


def _grey(part: Any) -> tuple[Tensor, Tensor]:
    return part.data.unsqueeze(1), part.targets.long()


def _channels_last(part: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets)


def _channels_first(part: Any) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.ascontiguousarray(part.data)), torch.from_numpy(part.labels)


_PARTS = ("test", "train")
_DIGITS = tuple("0123456789")

KNOWN = {
    "mnist": _Known(_opener("MNIST"), _grey, "MNIST/raw"),
    "kmnist": _Known(_opener("KMNIST"), _grey, "KMNIST/raw"),
    "fashion-mnist": _Known(_opener("FashionMNIST"), _grey, "FashionMNIST/raw"),
    "cifar10": _Known(_opener("CIFAR10"), _channels_last, "cifar-10-batches-py"),
    "cifar100": _Known(_opener("CIFAR100"), _channels_last, "cifar-100-python"),
    "svhn": _Known(lambda request, train: _open("SVHN", request, split=_PARTS[train]), _channels_first, "."),
}
"""The sets by name; a new one is a line here."""
