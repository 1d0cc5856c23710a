"""Image files to tensors, many at a time."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..errors import InputError

__all__ = ["decode", "decode_all"]

_BLOCK = 16  # files for one task: small images are decoded faster than tasks are handed over
# Pillow goes by the content of a file, and would hand PostScript to an interpreter.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def decode_all(decode_one: Callable[[Path], Tensor], paths: Sequence[Path]) -> list[Tensor]:
    """Decode files in threads (Pillow decodes without holding the interpreter's lock); the order is kept."""
    blocks = [paths[start : start + _BLOCK] for start in range(0, len(paths), _BLOCK)]
    with warnings.catch_warnings(), ThreadPoolExecutor(min(os.cpu_count() or 1, 16)) as threads:
        # Pillow only warns of an image up to twice as large as it allows.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        decoded = threads.map(lambda block: [decode_one(path) for path in block], blocks)
        return [tensor for block in decoded for tensor in block]


def decode(path: Path, prepare: Callable[[Image.Image], Image.Image]) -> Tensor:
    """Read one image file, turned as its Exif note on the camera says, then cropped or resized by `prepare`.

    Returns:
        uint8 with shape (1, H, W) for a grey image, otherwise (3, H, W).

    Raises:
        InputError: if the file is not a readable image of a usual format, is larger than Pillow allows, or has
            more than 8 bits in a channel.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not a file")  # reading a pipe would wait for ever
    try:
        with Image.open(path, formats=_FORMATS) as image:
            if image.mode in _DEEP:
                raise InputError(f"{path} has mode {image.mode}; images must have 8 bits in each channel")
            _turn_upright(image)
            plain = image if image.mode == "L" else image.convert("RGB")
            pixels = np.array(prepare(plain))
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, *_BOMBS) as error:
        raise InputError(f"{path} is not a readable image: {error}") from error
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1).contiguous()


def _turn_upright(image: Image.Image) -> None:
    """Turn an image in place; where pixels are would else depend on how a camera was held."""
    # A note that cannot be read says nothing, and the pixels beside it may be whole.
    with suppress(SyntaxError, ValueError, KeyError, TypeError, struct.error):
        ImageOps.exif_transpose(image, in_place=True)
