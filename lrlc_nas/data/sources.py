"""Image sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..references import call_with_options, is_reference
from .celeba import load_celeba, load_translated_celeba
from .embedded import load_embedded
from .folder import load_folder
from .images import ImageSet
from .known import KNOWN, load_known
from .request import Request
from .user import load_users_own

__all__ = ["FORMS", "load_images", "resized"]

_CHUNK = 4096  # images at a time, so that no second copy of the set is made in floating point

_NAMED: dict[str, Callable[..., ImageSet]] = {
    "embedded": load_embedded,
    **dict.fromkeys(KNOWN, load_known),
    "celeba": load_celeba,
    "celeba-translated": load_translated_celeba,
}

FORMS = (*_NAMED, "imagefolder:PATH", "package.module:function")
"""The forms the name of an image set can take."""


def load_images(
    name: str,
    *,
    root: str = "data",
    download: bool = False,
    size: int | None = None,
    options: Mapping[str, object] | None = None,
) -> ImageSet:
    """Load a set of images into memory.

    Args:
        name: one of `FORMS`.
        root: the folder that holds the files of known sets.
        download: whether their missing files are fetched; nothing is fetched otherwise.
        size: the wanted height and width; by default each set's own.
        options: what else the named set lets one choose, for example ``attribute`` of ``celeba``.

    Raises:
        InputError: if the name, an option or a file is not usable; the message names the set.
    """
    try:
        if size is not None and (type(size) is not int or size < 1):
            raise InputError(f"size must be a whole number of at least 1, but got {size!r}")
        request = Request(name, Path(root).expanduser(), download, size)
        return resized(call_with_options(_loader(name), options or {}, request), size)
    except InputError as error:
        raise InputError(f"images {name!r}: {error}") from error


def resized(images: ImageSet, size: int | None) -> ImageSet:
    """The set with images of size x size pixels (bilinear, antialiased); the set itself if it has them."""
    if size is None or images.size == (size, size):
        return images
    test = None if images.test_images is None else _resize(images.test_images, size)
    return replace(images, images=_resize(images.images, size), test_images=test)


def _resize(images: Tensor, size: int) -> Tensor:
    from torchvision.transforms.v2 import functional as transforms  # not before it is wanted: it takes seconds

    return torch.cat([transforms.resize(part, [size, size], antialias=True) for part in torch.split(images, _CHUNK)])


def _loader(name: str) -> Callable[..., ImageSet]:
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith("imagefolder:"):
        return load_folder
    if is_reference(name):
        return load_users_own
    if name == "planted":
        raise InputError(
            "these images are no longer part of the package: a study file names them as "
            "'studies.planted:images', as studies/planted.toml does; start the study anew with that file, in the "
            "folder above it"
        )
    raise InputError(f"no such set; a set is one of {', '.join(FORMS)}")
