"""CelebA as the LRLC paper reads it: faces cropped to 32x32 pixels, and translated on a canvas of noise.

Elsayed et al., "Revisiting Spatial Invariance with Low-Rank Local Connectivity", ICML 2020,
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import InputError
from .decoding import decode, decode_all
from .images import ImageSet
from .known import explain_missing
from .request import Request

__all__ = ["load_celeba", "load_translated_celeba", "translate"]

_FILE_SIZE = (178, 218)
_FACE_BOX = (20, 40, 158, 178)
_FACE = 32
_WINDOW = 48
_LARGEST_OFFSET = 16


def load_celeba(request: Request, *, attribute: str = "Male") -> ImageSet:
    """Load ``celeba``: a 138x138 crop at row 40, column 20, brought to 32x32, or the size asked for.

    The official training and validation images are the images, the official test images the test images. Class 0 lacks
    the attribute, class 1 has it.

    Raises:
        InputError: if there is no such attribute, or files are missing or damaged.
    """
    return _load(request, attribute, partial(_face, size=request.size or _FACE))


def load_translated_celeba(request: Request, *, attribute: str = "Male") -> ImageSet:
    """Load ``celeba-translated``: each 32x32 face of ``celeba`` at a random place of a 48x48 image of noise.

    Unlike the reference, which draws anew at each reading, an image has the same place and the same noise
    every time, so that the test images are fixed.
    """
    return _load(request, attribute, _translated_face)


def translate(face: Tensor, random: np.random.Generator) -> Tensor:
    """Cut a window, uint8 (C, 48, 48), out of the face on a larger canvas, and fill what is outside of it with noise.

    The face (C, 32, 32) lies in the middle of a 64x64 canvas. The window begins at a row and a column drawn from 0..15;
    noise is uniform in each channel.
    """
    row, column = _LARGEST_OFFSET - random.integers(0, _LARGEST_OFFSET, size=2)
    noise = random.integers(0, 256, size=(face.shape[0], _WINDOW, _WINDOW), dtype=np.uint8)
    window = torch.from_numpy(noise)
    window[:, row : row + _FACE, column : column + _FACE] = face
    return window


def _load(request: Request, attribute: str, decode_one: Callable[[Path], Tensor]) -> ImageSet:
    from torchvision.datasets import CelebA  # not before it is wanted: its import takes seconds

    folder = request.root / CelebA.base_folder
    with explain_missing(folder, request.download):
        train, valid, test = (
            CelebA(str(request.root), split=part, target_type="attr", download=request.download)
            for part in ("train", "valid", "test")
        )
    names = [name for name in train.attr_names if name]
    if attribute not in names:
        raise InputError(f"no attribute {attribute!r}; the attributes are {', '.join(names)}")
    column = names.index(attribute)
    files = [folder / "img_align_celeba" / name for part in (train, valid, test) for name in part.filename]
    images = torch.stack(decode_all(decode_one, files))
    labels = torch.cat([part.attr[:, column] for part in (train, valid, test)])
    count = len(files) - len(test.filename)
    classes = (f"not {attribute}", attribute)
    return ImageSet(request.name, images[:count], labels[:count], images[count:], labels[count:], classes)


def _face(path: Path, size: int) -> Tensor:
    def crop(image: Image.Image) -> Image.Image:
        if image.size != _FILE_SIZE:
            raise InputError(f"{path} must have {_FILE_SIZE} pixels (width, height), but has {image.size}")
        return image.crop(_FACE_BOX).resize((size, size), Image.Resampling.BICUBIC)

    return decode(path, crop)


def _translated_face(path: Path) -> Tensor:
    # Seeded by the name of the file, so that an image does not depend on which others are read.
    return translate(_face(path, _FACE), np.random.default_rng(zlib.crc32(path.name.encode())))
