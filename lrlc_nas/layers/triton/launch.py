"""From tensors to launches: layouts, grids, and the sums of partial gradients."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import torch
import triton  # type: ignore[import-untyped]
from torch import Tensor

from ..geometry import Geometry
from .tiles import INTERPRETED, input_gradient, output, parameter_gradient, parameter_tile

__all__ = ["INTERPRETED", "input_grad", "output_of", "parameter_grads"]

_PROGRAMS = 1024
"""Programs of `parameter_gradient` to aim at: some for each multiprocessor, and few partial sums."""


def output_of(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """The output (B, F, Y, X) under zero padding, as a view of a channels-last tensor."""
    y = x.new_empty(x.shape[0], *geometry.output_size, geometry.out_channels)
    with _device_of(x):
        output[_product_grid(y, geometry.groups, "BLOCK_F")](
            x=_channels_last(x),
            banks=_packed(banks, geometry.groups, x.dtype),
            combining=combining.contiguous(),
            y=y,
            **_arguments(x.shape[0], banks.shape[0], geometry),
        )
    return y.permute(0, 3, 1, 2)


def input_grad(grad_y: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """The gradient of the input, with shape (B, C, H, W), as a view of a channels-last tensor."""
    grad_x = grad_y.new_empty(grad_y.shape[0], *geometry.input_size, geometry.in_channels)
    step_h, step_w = (s // math.gcd(s, d) for s, d in zip(geometry.stride, geometry.dilation, strict=True))
    with _device_of(grad_y):
        input_gradient[_product_grid(grad_x, geometry.groups, "BLOCK_C")](
            grad_y=_channels_last(grad_y),
            banks=_packed(banks, geometry.groups, grad_y.dtype),
            combining=combining.contiguous(),
            grad_x=grad_x,
            STEP_H=step_h,
            STEP_W=step_w,
            **_arguments(grad_y.shape[0], banks.shape[0], geometry),
        )
    return grad_x.permute(0, 3, 1, 2)


def parameter_grads(
    x: Tensor,
    grad_y: Tensor,
    banks: Tensor,
    combining: Tensor,
    geometry: Geometry,
    *,
    for_banks: bool,
    for_combining: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of banks and of combining weights under zero padding, each None where it is not asked for."""
    rank, packed = banks.shape[0], _packed(banks, geometry.groups, x.dtype)
    groups, taps, _, channels, filters = packed.shape
    block_c, block_f = parameter_tile(rank, channels, filters, x.element_size())
    tiles = taps * triton.cdiv(channels, block_c) * triton.cdiv(filters, block_f)
    positions = math.prod(geometry.output_size)
    runs = min(positions, triton.cdiv(_PROGRAMS, tiles * groups))
    # What is not needed still has to be a tensor, but of no size.
    bank_shares = _exact(x, runs, *packed.shape) if for_banks else _exact(x, 0)
    combining_shares = _exact(x, groups * tiles, positions, rank) if for_combining else _exact(x, 0)
    with _device_of(x):
        parameter_gradient[(tiles, runs, groups)](
            x=_channels_last(x),
            grad_y=_channels_last(grad_y),
            banks=packed,
            combining=combining.contiguous(),
            grad_banks=bank_shares,
            grad_combining=combining_shares,
            RANK_PADDED=triton.next_power_of_2(rank),
            FOR_BANKS=for_banks,
            FOR_COMBINING=for_combining,
            BLOCK_C=block_c,
            BLOCK_F=block_f,
            **_arguments(x.shape[0], rank, geometry),
        )
    grad_banks = _unpacked(bank_shares.sum(0), banks).to(banks.dtype) if for_banks else None
    summed = combining_shares.sum(0).view(combining.shape).to(combining.dtype) if for_combining else None
    return grad_banks, summed


def _arguments(batch: int, rank: int, geometry: Geometry) -> dict[str, Any]:
    """What all three kernels are told of the problem."""
    left, _, top, _ = geometry.pads
    tf32 = torch.backends.cuda.matmul.fp32_precision == "tf32"
    return {
        "batch": batch,
        # Batches of about one size share a tuning, so that the last one of an epoch seldom asks for its own.
        "batch_bucket": triton.next_power_of_2(batch),
        "channels": geometry.in_channels // geometry.groups,
        "filters": geometry.out_channels // geometry.groups,
        "height": geometry.input_size[0],
        "width": geometry.input_size[1],
        "rows": geometry.output_size[0],
        "columns": geometry.output_size[1],
        "stride_h": geometry.stride[0],
        "stride_w": geometry.stride[1],
        "dilation_h": geometry.dilation[0],
        "dilation_w": geometry.dilation[1],
        "top": top,
        "left": left,
        "KERNEL_ROWS": geometry.kernel_size[0],
        "KERNEL_COLUMNS": geometry.kernel_size[1],
        "RANK": rank,
        "PRECISION": "tf32" if tf32 else "ieee",
        "WIDEN": INTERPRETED,
    }


def _product_grid(written: Tensor, groups: int, block: str) -> Any:
    """One program for each pixel written, each block of images and channels, and each group."""
    batch, rows, columns, channels = written.shape

    def grid(meta: dict[str, int]) -> tuple[int, int, int]:
        images = triton.cdiv(batch, meta["BLOCK_B"])
        return (rows * columns, images * triton.cdiv(channels // groups, meta[block]), groups)

    return grid


def _device_of(tensor: Tensor) -> AbstractContextManager[None]:
    """Triton launches on the current device, which need not be that of the tensors."""
    guard: AbstractContextManager[None] = torch.cuda.device_of(tensor)  # type: ignore[no-untyped-call]
    return guard


def _exact(like: Tensor, *shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device=like.device)


def _channels_last(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H, W, C), contiguous; a copy unless the maps are channels last already."""
    return maps.permute(0, 2, 3, 1).contiguous()


def _packed(banks: Tensor, groups: int, dtype: torch.dtype) -> Tensor:
    """(K, F, C/G, rows, columns) -> (G, T, K, C/G, F/G), contiguous, in the dtype of the products."""
    per_group = banks.to(dtype).reshape(banks.shape[0], groups, -1, banks.shape[2], banks.shape[3] * banks.shape[4])
    return per_group.permute(1, 4, 0, 3, 2).contiguous()


def _unpacked(packed: Tensor, banks: Tensor) -> Tensor:
    """What `_packed` made of banks of this shape, turned back."""
    return packed.permute(2, 0, 4, 3, 1).reshape(banks.shape)
