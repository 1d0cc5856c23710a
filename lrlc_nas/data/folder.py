"""Images in folders: one subfolder for each class."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ..errors import InputError
from .decoding import decode, decode_all
from .images import ImageSet
from .request import Request

__all__ = ["load_folder"]


def load_folder(request: Request) -> ImageSet:
    """Load ``imagefolder:PATH``.

    PATH holds a folder for each class; or it holds ``train`` and, with the same classes, ``test`` or ``val``
    (where there are both, ``test`` is the official test part and ``val`` joins the training images). Images
    are RGB, or grey if all of them are grey, and brought to ``size`` in both directions where it is given.

    Raises:
        InputError: if there are fewer than two classes, an image is not readable, or sizes differ and no size
            is given; the message names the path.
    """
    path = Path(request.name.removeprefix("imagefolder:")).expanduser()
    if not path.is_dir():
        raise InputError(f"{path} is not a folder")
    parts, test_part = _parts(path)
    classes = _class_names(parts[0])
    files = [found for part in parts for found in _files(part, classes)]
    test_files = _files(test_part, classes) if test_part else []
    images = _decoded([name for name, _ in files + test_files], request.size)
    labels = torch.tensor([label for _, label in files + test_files])
    count = len(files)
    test_images, test_labels = (images[count:], labels[count:]) if test_part else (None, None)
    return ImageSet(request.name, images[:count], labels[:count], test_images, test_labels, classes)


def _parts(path: Path) -> tuple[list[Path], Path | None]:
    """The folders of the training images, and the folder of the test images."""
    train, val, test = (path / name for name in ("train", "val", "test"))
    if not (train.is_dir() and any(entry.is_dir() for entry in train.iterdir())):
        return [path], None
    if test.is_dir():
        return [train, val] if val.is_dir() else [train], test
    return [train], val if val.is_dir() else None


def _class_names(part: Path) -> tuple[str, ...]:
    names = tuple(sorted(entry.name for entry in part.iterdir() if entry.is_dir()))
    if len(names) < 2:
        found = ", ".join(names) or "(none)"
        raise InputError(f"{part} must hold a folder for each of at least two classes, but holds {found}")
    return names


def _files(part: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset  # not before it is wanted

    if _class_names(part) != classes:
        raise InputError(f"{part} must hold the classes {list(classes)}, but holds {list(_class_names(part))}")
    for name in classes:
        _require_no_loop(part / name)
    numbers = {name: number for number, name in enumerate(classes)}
    try:
        samples = make_dataset(part, numbers, IMG_EXTENSIONS)
    except FileNotFoundError as error:
        raise InputError(f"{part}: {error}") from error
    return [(Path(name), label) for name, label in samples]


def _require_no_loop(folder: Path) -> None:
    """Raise `InputError` if links lead to a folder twice: its images would count twice, or a loop many times."""
    seen: set[str] = set()
    for reached, _, _ in os.walk(folder, followlinks=True):
        real = os.path.realpath(reached)
        if real in seen:
            raise InputError(f"{reached} leads through links to {real} again; its images would count twice")
        seen.add(real)


def _decoded(paths: list[Path], size: int | None) -> Tensor:
    tensors = decode_all(partial(_decode_resized, size=size), paths)
    for path, tensor in zip(paths, tensors, strict=True):
        if tensor.shape[1:] != tensors[0].shape[1:]:
            raise InputError(
                f"images must have one size, but {paths[0]} is {_sides(tensors[0])} and {path} is "
                f"{_sides(tensor)}; data.size brings them to one, for example --set data.size=32"
            )
    channels = max(tensor.shape[0] for tensor in tensors)
    return torch.stack([tensor.expand(channels, -1, -1) for tensor in tensors])


def _decode_resized(path: Path, size: int | None) -> Tensor:
    def prepare(image: Image.Image) -> Image.Image:
        return image.resize((size, size), Image.Resampling.BILINEAR) if size else image

    return decode(path, prepare)


def _sides(tensor: Tensor) -> str:
    return f"{tensor.shape[1]}x{tensor.shape[2]}"
