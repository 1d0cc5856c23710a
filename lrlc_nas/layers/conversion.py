"""Moving banks to another device, dtype or memory format."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["on_four_axes"]


def on_four_axes(convert: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Let a conversion of `torch.nn.Module.to` see banks as what they are, the filters of a convolution.

    ``network.to(memory_format=torch.channels_last)`` also meets tensors of five axes, and fails: the format is one
    of four.

    Args:
        convert: what a module does to each of its tensors.

    Returns:
        The same, but for a tensor of shape (K, F, C/G, rows, columns) on (K*F, C/G, rows, columns).
    """

    def converted(tensor: Tensor) -> Tensor:
        if tensor.dim() != 5:
            return convert(tensor)
        return torch.unflatten(convert(tensor.flatten(0, 1)), 0, tensor.shape[:2])

    return converted
