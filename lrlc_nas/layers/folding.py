"""From a layer with a kernel for each position back to a convolution, where all positions agree."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .functional import mix_banks
from .geometry import Geometry

__all__ = ["ROUNDING", "as_convolution", "mixed_kernels"]

ROUNDING = 8
"""Units in the last place of its largest number by which a filter may differ between positions that mix alike."""


def mixed_kernels(banks: Tensor, combining: Tensor) -> Tensor:
    """The kernels (Y, X, F, C/G, rows, columns) that banks mix to, for `as_convolution`; w is (Y, X, K).

    They are in single precision at least: rounded to less they would hide what the positions have learnt. All are the
    same number for number if the combining weights are.
    """
    if _all_same(combining.flatten(0, 1)):
        # A matrix product may round its rows differently.
        return mix_banks(banks, combining[0, 0]).expand(*combining.shape[:2], *banks.shape[1:])
    return mix_banks(banks, combining)


def as_convolution(
    kernels: Tensor, bias: Tensor | None, geometry: Geometry, dtype: torch.dtype, *, rounding: int = 0
) -> nn.Conv2d | None:
    """The convolution that computes what a layer computes, or None where kernels or bias depend on the position.

    Args:
        kernels: shape (Y, X, F, C/G, rows, columns).
        bias: shape (F, Y, X), or None.
        geometry: of the layer.
        dtype: of the convolution, whose weights are its own.
        rounding: by how many units in the last place of its largest number a filter may differ between positions;
            0 for kernels that are what is stored.
    """
    if not _all_equal(kernels.flatten(0, 1).flatten(2), rounding):
        return None
    if bias is not None and not _all_same(bias.flatten(1).T):
        return None
    conv = geometry.empty_conv(bias=bias is not None, device=kernels.device, dtype=dtype)
    with torch.no_grad():
        conv.weight.copy_(kernels[0, 0])
        if bias is not None and conv.bias is not None:
            conv.bias.copy_(bias[:, 0, 0])
    return conv


def _all_equal(filters: Tensor, units: int) -> bool:
    """Whether all positions have the same filters, with shape (Y*X, F, T*C/G), up to so many units."""
    rounding = units * torch.finfo(filters.dtype).eps * filters.abs().amax((0, 2))
    return bool(((filters - filters[0]).abs().amax((0, 2)) <= rounding).all())


def _all_same(rows: Tensor) -> bool:
    return torch.equal(rows, rows[:1].expand_as(rows))
