"""The kernels as one differentiable function."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from ..functional import apply_mixed, differentiable_gradients, laid_out_as, wants_plain_gradients
from ..geometry import Geometry

__all__ = ["MixedConvolution"]


class MixedConvolution(torch.autograd.Function):
    """`lrlc_nas.layers.triton.mixed` for zero padding; each gradient is computed only where it is needed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
        """Compute the output; shapes as in `lrlc_nas.layers.triton.mixed`."""
        from .launch import output_of

        ctx.save_for_backward(x, banks, combining)
        ctx.geometry = geometry
        if x.shape[0] == 0:
            return x.new_empty(0, geometry.out_channels, *geometry.output_size)
        # Detached, because autograd lets no one write into a view that a function of its own has made.
        return laid_out_as(x, output_of(x, banks, combining, geometry)).detach()

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of x, banks and combining."""
        from .launch import input_grad, parameter_grads

        x, banks, combining = ctx.saved_tensors
        needed = ctx.needs_input_grad[:3]
        if wants_plain_gradients(grad_y):
            function = partial(apply_mixed, geometry=ctx.geometry)
            return (*differentiable_gradients(function, ctx.saved_tensors, needed, grad_y), None)
        if x.shape[0] == 0:
            tensors = zip((x, banks, combining), needed, strict=True)
            return (*(torch.zeros_like(tensor) if need else None for tensor, need in tensors), None)
        grad_x = laid_out_as(x, input_grad(grad_y, banks, combining, ctx.geometry)) if needed[0] else None
        grad_banks = grad_combining = None
        if needed[1] or needed[2]:
            grad_banks, grad_combining = parameter_grads(
                x, grad_y, banks, combining, ctx.geometry, for_banks=needed[1], for_combining=needed[2]
            )
        return grad_x, grad_banks, grad_combining, None
