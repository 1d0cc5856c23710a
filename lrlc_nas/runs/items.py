"""A score for each sample of a split, packed: what intervals over the samples are computed from.

Packed is text: a letter for the kind of the numbers, then what zlib made of them, in base64. zlib ends with a checksum,
so that damage is seen.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, StorageError

__all__ = ["pack_items", "unpack_items"]

_KINDS = {"u": np.uint8, "f": np.float32}
"""Small whole numbers, such as right or wrong, take a byte each at most."""


def pack_items(items: Any) -> str:
    """Pack the scores of N samples, in the order of the split.

    Args:
        items: N finite numbers: a tensor on any device, an array or a list, of one dimension. Kept in single precision.

    Raises:
        InputError: if they have another form.
    """
    try:
        values = np.asarray(items.detach().cpu() if hasattr(items, "detach") else list(items), dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"items must be numbers, one for each sample, but are a {type(items).__name__}") from None
    if values.ndim != 1 or not len(values):
        raise InputError(f"items must have the shape (samples,), but have {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(f"items must be finite, but item {int(np.argmin(np.isfinite(values)))} is not")
    kind = "u" if np.isin(values, range(256)).all() else "f"
    return kind + base64.b64encode(zlib.compress(values.astype(_KINDS[kind]).tobytes(), 6)).decode()


def unpack_items(packed: str) -> NDArray[np.float64]:
    """The scores again, (N,).

    Raises:
        StorageError: if the text is damaged.
    """
    try:
        numbers = zlib.decompress(base64.b64decode(packed[1:], validate=True))
        return np.frombuffer(numbers, dtype=_KINDS[packed[0]]).astype(np.float64)
    except (KeyError, IndexError, ValueError, TypeError, zlib.error, binascii.Error) as error:
        raise StorageError(f"the scores of the samples of a run are damaged: {error}") from None
