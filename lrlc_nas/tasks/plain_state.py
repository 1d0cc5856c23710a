"""What a checkpoint can hold: what can be read again without running anybody's code."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping

import torch
from torch import nn

from ..errors import InputError

__all__ = ["require_plain"]

_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device, nn.Parameter)
_PLAIN_DICTS = (dict, OrderedDict, Counter)
_PLAIN_LISTS = (list, tuple, set)


def require_plain(value: object, where: str) -> None:
    """Refuse what `torch.load` with `weights_only` would not read again.

    Raises:
        InputError: naming the first value that is neither a tensor nor plain, and where it is.
    """
    if type(value) in _PLAIN or type(value) is torch.Tensor:
        return
    if isinstance(value, Mapping) and type(value) in _PLAIN_DICTS:
        for key, item in value.items():
            require_plain(key, f"{where}, a key")
            require_plain(item, f"{where}[{key!r}]")
    elif isinstance(value, _PLAIN_LISTS) and type(value) in _PLAIN_LISTS:
        for index, item in enumerate(value):
            require_plain(item, f"{where}[{index}]")
    else:
        raise InputError(
            f"{where} must be a tensor or a plain value (a number, text, None, or a dict, list or tuple of such), but "
            f"is a {type(value).__module__}.{type(value).__qualname__}"
        )
