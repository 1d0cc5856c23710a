"""Locally connected layers as functions of tensors.

A layer that is low-rank locally connected has, at position (i, j), the kernel ``sum_k w[i, j, k] * bank_k``.
Two ways compute it, and mean the same:

* the bank path: one convolution with K*F filters, then the weighted sum of its K outputs. MACs for one image:
  K*Y*X*T*C*F/G + K*Y*X*F;
* the kernel path: the kernels of all positions first, once a step, then one matrix product for each
  position. MACs: Y*X*T*C*F/G for one image and K*Y*X*T*C*F/G for one step; memory for the kernels and the
  patches.

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from .geometry import Geometry
from .transforms import has_memory, is_transformed

__all__ = [
    "add_bias",
    "apply_banks",
    "apply_kernels",
    "apply_mixed",
    "convolved",
    "differentiable_gradients",
    "explicitly_padded",
    "in_compute_dtype",
    "laid_out_as",
    "mix_banks",
    "padded",
    "require_dtype",
    "unlowered",
    "wants_plain_gradients",
]


def mix_banks(banks: Tensor, combining: Tensor) -> Tensor:
    """Build the kernel of each position: ``kernel[i, j] = sum_k w[i, j, k] * bank_k``.

    This is done in single precision at least, under autocast too, and that is the precision of the kernels. w is
    (Y, X, K), (B, Y, X, K), or (K,) for one kernel, and of a kernel has the shape of a bank in the place of K.
    """
    exact = torch.promote_types(banks.dtype, torch.float32)
    with unlowered(banks.device):
        kernels: Tensor = torch.tensordot(combining.to(exact), banks.to(exact), dims=1)
    return kernels


def apply_banks(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """Convolve with every bank, then mix the results at each position (the bank path).

    x is (B, C, H, W), the banks are (K, F, C/G, rows, columns), w is (Y, X, K), or (B, Y, X, K) where each image has
    its own, and the output is (B, F, Y, X).
    """
    rank, groups, per_group = banks.shape[0], geometry.groups, geometry.out_channels // geometry.groups
    # A grouped convolution gives its first F/G filters to the first group, so the group is the slowest index.
    filters = banks.view(rank, groups, per_group, *banks.shape[2:]).transpose(0, 1).flatten(0, 2)
    features = convolved(x, filters, geometry)
    features = features.view(x.shape[0], groups, rank, per_group, *geometry.output_size)
    mixed = features * combining.to(features.dtype).movedim(-1, -3).unsqueeze(-3).unsqueeze(-5)
    return laid_out_as(x, mixed.sum(2).flatten(1, 2))


def apply_kernels(x: Tensor, kernels: Tensor, geometry: Geometry) -> Tensor:
    """Apply to each position its own kernel: one matrix product for each position and group.

    x is (B, C, H, W), in the dtype of the products, the kernels are (Y, X, F, C/G, rows, columns), and the output is
    (B, F, Y, X).
    """
    rows, columns = geometry.output_size
    batch, groups, per_group = x.shape[0], geometry.groups, geometry.out_channels // geometry.groups
    filters = kernels.reshape(rows * columns * groups, per_group, geometry.fan_in)
    y = torch.bmm(_patches(x, geometry), filters.mT.to(x.dtype))
    y = y.view(rows, columns, groups, batch, per_group).permute(3, 2, 4, 0, 1).flatten(1, 2)
    return laid_out_as(x, y)


def apply_mixed(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """Mix the banks at each position, then apply (the kernel path); arguments and result as in `apply_banks`.

    Mixing is done in single precision at least, the products in the dtype of x.
    """
    return apply_kernels(x, mix_banks(banks, combining), geometry)


def unlowered(device: torch.device) -> AbstractContextManager[Any]:
    """A block in which autocast lowers no precision."""
    if _autocast_lowers(device):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()  # which exporters need not write down


def in_compute_dtype(x: Tensor, parameter: Tensor) -> Tensor:
    """An input in the dtype in which its products with a parameter are computed; raises as `require_dtype`."""
    require_dtype(x, parameter)
    return x.to(torch.get_autocast_dtype(x.device.type)) if _are_lowered(x, parameter) else x


def require_dtype(x: Tensor, parameter: Tensor) -> None:
    """Raise `InputError` if an input and a parameter have different dtypes, unless autocast makes them equal."""
    if x.dtype != parameter.dtype and not _are_lowered(x, parameter):
        raise InputError(f"this layer has {parameter.dtype} parameters, but the input is {x.dtype}")


def differentiable_gradients(
    function: Callable[..., Tensor], tensors: Sequence[Tensor], needed: Sequence[bool], gradient: Tensor
) -> tuple[Tensor | None, ...]:
    """Gradients by plain operations, for functions whose own backward pass has others.

    Plain operations can be differentiated again, and mapped: see `wants_plain_gradients`.

    Args:
        function: the tensors to the output, in operations that autograd knows.
        tensors: its arguments.
        needed: for each of them, whether its gradient is; the others get None.
        gradient: of the output.
    """
    again = torch.is_grad_enabled()
    # The precisions are those of the forward pass, whether the caller is still under its autocast or not.
    with torch.enable_grad(), torch.autocast(tensors[0].device.type, enabled=False):
        # Aliases, so that what the tensors themselves depend on is left to the outer graph.
        tensors = [tensor.view_as(tensor) for tensor in tensors]
        wanted = [tensor for tensor, is_needed in zip(tensors, needed, strict=True) if is_needed]
        found = iter(torch.autograd.grad(function(*tensors), wanted, gradient, create_graph=again))
    return tuple(next(found) if is_needed else None for is_needed in needed)


def wants_plain_gradients(gradient: Tensor) -> bool:
    """Whether a backward pass that is given this gradient has to consist of plain operations.

    It will be differentiated again; or many gradients come as one, which ``torch.autograd.grad(...,
    is_grads_batched=True)`` maps by the means of an older `torch.vmap`.
    """
    return torch.is_grad_enabled() or not has_memory(gradient)


def add_bias(y: Tensor, channel: Tensor | None, position: Tensor | None) -> Tensor:
    """Add a bias for each channel, (F,) or (F, Y, X), and one for each position, (Y, X), where they are not None.

    The sum has the dtype of y.
    """
    if channel is not None and channel.dim() == 1:
        channel = channel[:, None, None]
    if channel is None:
        bias = position
    elif position is None:
        bias = channel
    else:
        bias = channel + position
    return y if bias is None else y + bias.to(y.dtype)


def _autocast_lowers(device: torch.device) -> bool:
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)


def _are_lowered(x: Tensor, parameter: Tensor) -> bool:
    # As for a convolution: autocast leaves double precision alone.
    return _autocast_lowers(x.device) and torch.float64 not in (x.dtype, parameter.dtype)


def _patches(x: Tensor, geometry: Geometry) -> Tensor:
    """Gather what each position sees, with one copy: (B, C, H, W) -> (Y*X*G, B, T*C/G)."""
    (height, width), (stride_h, stride_w) = geometry.extent, geometry.stride
    step_h, step_w = geometry.dilation
    windows = padded(x, geometry).unfold(2, height, stride_h).unfold(3, width, stride_w)
    taps = windows[..., ::step_h, ::step_w]  # (B, C, Y, X, rows, columns)
    batch, (rows, columns) = x.shape[0], geometry.output_size
    groups, per_group = geometry.groups, geometry.in_channels // geometry.groups
    taps = taps.view(batch, groups, per_group, rows, columns, *geometry.kernel_size)
    return taps.permute(3, 4, 1, 0, 2, 5, 6).reshape(rows * columns * groups, batch, geometry.fan_in)


def convolved(x: Tensor, filters: Tensor, geometry: Geometry) -> Tensor:
    """Convolve x, with shape (B, C, H, W), with filters of shape (M, C/G, rows, columns)."""
    left, right, top, bottom = geometry.pads
    symmetric = (left, top) == (right, bottom)
    if geometry.padding_mode == "zeros" and symmetric:
        padding = (top, left)
    else:
        x, padding = padded(x, geometry), (0, 0)
    return F.conv2d(x, filters, None, geometry.stride, padding, geometry.dilation, geometry.groups)


def padded(x: Tensor, geometry: Geometry) -> Tensor:
    """Pad the maps of x, with shape (B, C, H, W), as the geometry says."""
    if not any(geometry.pads):
        return x
    mode = "constant" if geometry.padding_mode == "zeros" else geometry.padding_mode
    padded: Tensor = F.pad(x, geometry.pads, mode=mode)
    return padded


def explicitly_padded(x: Tensor, geometry: Geometry) -> tuple[Tensor, Geometry]:
    """The padded maps, and the geometry that remains to be applied to them."""
    x = padded(x, geometry)
    size = (x.shape[2], x.shape[3])
    return x, replace(geometry, padding=(0, 0), padding_mode="zeros", input_size=size)


def laid_out_as(x: Tensor, y: Tensor) -> Tensor:
    """Give y the memory format of x, as a convolution does: what follows may call ``view``."""
    # One image of a batch that `torch.vmap` hides has no memory format that one could ask for.
    if is_transformed(x, y):
        return y.contiguous()
    channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return y.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
