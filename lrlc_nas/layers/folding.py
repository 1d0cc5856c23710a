"""From a layer with a kernel for each position back to a convolution, where all positions agree."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init

from .geometry import Geometry


__all__ = ["as_convolution"]

_ROUNDING = 8
"""Units in the last place by which positions may differ that were computed alike."""


def as_convolution(kernels: Tensor, bias: Tensor | None, geometry: Geometry) -> nn.Conv2d | None:
    """The convolution that computes what a layer computes, if one does.

    Args:
        kernels: shape (Y, X, F, C/G, rows, columns).
        bias: shape (F, Y, X), or None.
        geometry: of the layer.

    Returns:
        A convolution with weights of its own, or None where kernels or bias depend on the position.
    """
    if not _all_equal(kernels.flatten(0, 1)):
        return None
    if bias is not None and not _all_equal(bias.flatten(1).T):
        return None
    conv: nn.Conv2d = skip_init(  # type: ignore[no-untyped-call]
        nn.Conv2d,
        geometry.in_channels,
        geometry.out_channels,
        geometry.kernel_size,
        stride=geometry.stride,
        padding=geometry.padding,
        dilation=geometry.dilation,
        groups=geometry.groups,
        bias=bias is not None,
        padding_mode=geometry.padding_mode,
        device=kernels.device,
        dtype=kernels.dtype,
    )
    with torch.no_grad():
        conv.weight.copy_(kernels[0, 0])
        if bias is not None and conv.bias is not None:
            conv.bias.copy_(bias[:, 0, 0])
    return conv


def _all_equal(values: Tensor) -> bool:
    """Whether all rows are equal up to rounding."""
    rounding = _ROUNDING * torch.finfo(values.dtype).eps * values.abs().max()
    return bool((values - values[0]).abs().max() <= rounding)
