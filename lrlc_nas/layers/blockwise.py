"""The kernel path in eager mode: a few rows of positions at a time, so that what is temporary stays in cache.

Floor of one step with 3x3 kernels, 64 -> 64 channels and 26x26 positions at batch 128 in float32: forward and
backward are 19 GFLOP, three times the convolution's, however large K is; mixing adds 3*K*Y*X*T*C*F, 2 % of that
at K = 8. The kernels of all positions would be 100 MB and their patches 199 MB, each written once and read
twice, and as much again for their gradients. Here neither exists: the kernels of one row are mixed, used and
forgotten (and mixed again for the gradient), and without groups the patches are never gathered. With the map
laid out as (H, B, W, C), what the kernel row a of position j sees is one run of columns*C numbers for each
image, and the runs of neighbouring positions overlap in place: a strided view, which a batched matrix product
takes as it is.

Letters: B batch, C in, F out channels, G groups, H W padded size, Y X positions, K rank, T taps, R rows in one
block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd import Function

from .functional import (
    apply_kernels,
    apply_mixed,
    differentiable_gradients,
    explicitly_padded,
    laid_out_as,
    wants_plain_gradients,
)
from .geometry import Geometry

__all__ = ["local", "mixed"]

_BLOCK_BYTES = {"cuda": 256 * 2**20}
_CACHE_BYTES = 4 * 2**20
"""What is temporary in one block: launches are dear on CUDA; elsewhere a block should stay in cache."""


def mixed(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """Apply at each position the mixture of the banks; shapes as in `lrlc_nas.layers.functional.apply_mixed`.

    The banks come in the precision of the parameters; the output has the dtype of x.
    """
    y: Tensor = _ByPosition.apply(_Mixtures, *explicitly_padded(x, geometry), banks, combining)
    return y


def local(x: Tensor, kernels: Tensor, geometry: Geometry) -> Tensor:
    """Apply at each position its own kernel; shapes as in `lrlc_nas.layers.functional.apply_kernels`.

    The kernels come in the precision of the parameters; the output has the dtype of x.
    """
    y: Tensor = _ByPosition.apply(_OwnKernels, *explicitly_padded(x, geometry), kernels)
    return y


class _ByPosition(Function):
    """Kernels that a source gives for each position, from the tensors that come last."""

    @staticmethod
    def forward(ctx: Any, source: type[_Source], x: Tensor, geometry: Geometry, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(x, *tensors)
        ctx.source, ctx.geometry = source, geometry
        return _forward(x, source(*tensors, geometry=geometry), geometry)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, *tensors = ctx.saved_tensors
        _, needs_x, _, *needs_kernels = ctx.needs_input_grad
        if wants_plain_gradients(gradient):
            function = partial(ctx.source.plain, geometry=ctx.geometry)
            dx, *others = differentiable_gradients(function, (x, *tensors), (needs_x, *needs_kernels), gradient)
            return (None, dx, None, *others)
        source = ctx.source(*tensors, geometry=ctx.geometry)
        dx = _backward(x, gradient, source, ctx.geometry, needs_x, any(needs_kernels))
        return (None, dx, None, *source.gradients())


class _Source(Protocol):
    """Where the kernels of a block come from, and where their gradients go."""

    plain: Callable[..., Tensor]
    """The same by operations that autograd knows."""

    def __init__(self, *tensors: Tensor, geometry: Geometry) -> None: ...

    def kernels(self, rows: slice) -> Tensor:
        """The kernels of some rows of positions, with shape (R*X*G, T, C/G, F/G)."""

    def collect(self, rows: slice, taps: slice, gradient: Tensor) -> None:
        """Take the gradient of some of their taps, with shape (R*X*G, taps, C/G, F/G)."""

    def gradients(self) -> tuple[Tensor | None, ...]:
        """The gradient of each of the tensors."""


class _Mixtures(_Source):
    """Kernels mixed from banks, in single precision at least: their gradient is a sum over all positions."""

    plain = staticmethod(apply_mixed)

    def __init__(self, banks: Tensor, combining: Tensor, *, geometry: Geometry) -> None:
        self._originals, self._geometry = (banks, combining), geometry
        exact = torch.promote_types(banks.dtype, torch.float32)
        self._banks = _tap_major(banks.to(exact), geometry).contiguous()
        self._combining = combining.to(exact).contiguous()
        self._d_banks = torch.zeros_like(self._banks)
        self._d_combining = torch.zeros_like(self._combining)

    def kernels(self, rows: slice) -> Tensor:
        kernels = self._combining[rows].flatten(0, 1) @ self._banks.flatten(1)
        return kernels.view(-1, *self._banks.shape[2:])

    def collect(self, rows: slice, taps: slice, gradient: Tensor) -> None:
        combining = self._combining[rows].flatten(0, 1)
        gradient = gradient.to(self._banks.dtype).view(len(combining), -1)
        # Several groups always come with all taps, so that this part is one slice of the memory of a bank.
        width = self._banks[0, :, 0].numel()
        part = slice(taps.start * width, taps.stop * width)
        self._d_banks.flatten(1)[:, part].addmm_(combining.mT, gradient)
        d_combining = self._d_combining[rows].flatten(0, 1)
        d_combining.addmm_(gradient, self._banks.flatten(1)[:, part].mT)

    def gradients(self) -> tuple[Tensor, Tensor]:
        banks, combining = self._originals
        d_banks = _as_kernels(self._d_banks, self._geometry)
        return d_banks.to(banks.dtype), self._d_combining.to(combining.dtype)


class _OwnKernels(_Source):
    """Kernels that belong to one position each, with shape (Y, X, F, C/G, rows, columns)."""

    plain = staticmethod(apply_kernels)

    def __init__(self, kernels: Tensor, *, geometry: Geometry) -> None:
        self._kernels, self._geometry = kernels, geometry
        self._gradient: Tensor | None = None

    def kernels(self, rows: slice) -> Tensor:
        kernels = torch.unflatten(self._kernels[rows].flatten(0, 1).flatten(2), 1, (self._geometry.groups, -1))
        # In two copies, because each then moves runs of memory: together they take half the time of one.
        kernels = torch.unflatten(kernels.mT.contiguous(), 2, (-1, math.prod(self._geometry.kernel_size)))
        return kernels.transpose(2, 3).flatten(0, 1)

    def collect(self, rows: slice, taps: slice, gradient: Tensor) -> None:
        if self._gradient is None:
            # In one piece whatever the kernels are in: parts of it are written through views.
            self._gradient = torch.empty_like(self._kernels, memory_format=torch.contiguous_format)
        to = _tap_major(self._gradient[rows].flatten(0, 1), self._geometry)[:, :, taps]
        to.copy_(gradient.view(to.shape))

    def gradients(self) -> tuple[Tensor | None]:
        return (self._gradient,)


class _Map:
    """A padded input laid out as (H, B, W, C), and what rows of positions see of it."""

    @classmethod
    def of(cls, x: Tensor, geometry: Geometry) -> _Map:
        return cls(x.permute(2, 0, 3, 1).contiguous(), geometry)

    @classmethod
    def zeros(cls, x: Tensor, geometry: Geometry) -> _Map:
        batch, channels, height, width = x.shape
        return cls(x.new_zeros(height, batch, width, channels), geometry)

    def image(self) -> Tensor:
        """The map with shape (B, C, H, W)."""
        return self._x.permute(1, 3, 0, 2)

    def __init__(self, x: Tensor, geometry: Geometry) -> None:
        self._x, self._geometry = x, geometry
        self.taps = math.prod(geometry.kernel_size)

    def blocks(self) -> Iterator[slice]:
        """Rows of positions, as many at a time as the budget of the device allows."""
        rows, columns = self._geometry.output_size
        width = self._x.shape[1] + self._geometry.out_channels // self._geometry.groups
        row_bytes = columns * self.taps * self._geometry.in_channels * width * self._x.element_size()
        step = max(1, _BLOCK_BYTES.get(self._x.device.type, _CACHE_BYTES) // row_bytes)
        for first in range(0, rows, step):
            yield slice(first, min(first + step, rows))

    def pieces(self, rows: slice) -> Iterator[tuple[slice, Tensor]]:
        """What some rows of positions see: taps, and their inputs with shape (R*X*G, B, taps*C/G)."""
        geometry = self._geometry
        if rows.stop - rows.start > 1 or geometry.groups > 1:
            yield slice(0, self.taps), self._gathered(rows)
            return
        # Taps of one kernel row that are not dilated lie next to each other.
        run = geometry.kernel_size[1] if geometry.dilation[1] == 1 else 1
        for first in range(0, self.taps, run):
            yield slice(first, first + run), self._in_place(rows.start, first, run)

    def add(self, rows: slice, taps: slice, values: Tensor) -> None:
        """Add to the map what some taps of some rows of positions hold: the adjoint of `pieces`."""
        geometry = self._geometry
        columns, groups = geometry.output_size[1], geometry.groups
        count, channels = taps.stop - taps.start, geometry.in_channels // groups
        shape = (rows.stop - rows.start, columns, groups, self._x.shape[1], count, channels)
        by_tap = values.view(shape).permute(4, 0, 3, 1, 2, 5).flatten(4)  # (taps, R, B, X, C)
        for tap, value in zip(range(taps.start, taps.stop), by_tap, strict=True):
            self._seen(rows, tap).add_(value)

    def _seen(self, rows: slice, tap: int) -> Tensor:
        """What one tap sees, with shape (R, B, X, C); a view."""
        geometry = self._geometry
        (down, across), (step_h, step_w) = divmod(tap, geometry.kernel_size[1]), geometry.stride
        top, left = down * geometry.dilation[0], across * geometry.dilation[1]
        bottom = top + (rows.stop - 1) * step_h + 1
        right = left + (geometry.output_size[1] - 1) * step_w + 1
        return self._x[top + rows.start * step_h : bottom : step_h, :, left:right:step_w]

    def _gathered(self, rows: slice) -> Tensor:
        seen = torch.stack([self._seen(rows, tap) for tap in range(self.taps)], dim=-2)  # (R, B, X, T, C)
        by_group = torch.unflatten(seen, -1, (self._geometry.groups, -1)).permute(0, 2, 4, 1, 3, 5)
        return by_group.flatten(0, 2).flatten(2)

    def _in_place(self, row: int, tap: int, run: int) -> Tensor:
        first = self._seen(slice(row, row + 1), tap)[0]  # (B, X, C)
        batch, columns, channels = first.shape
        size, stride = (columns, batch, run * channels), (first.stride(1), first.stride(0), 1)
        return first.as_strided(size, stride, first.storage_offset())


def _forward(x: Tensor, source: _Source, geometry: Geometry) -> Tensor:
    with torch.autocast(x.device.type, enabled=False):
        seen, groups = _Map.of(x, geometry), geometry.groups
        y = x.new_empty(*geometry.output_size, groups, len(x), geometry.out_channels // groups)  # (Y, X, G, B, F/G)
        for rows in seen.blocks():
            kernels, into = source.kernels(rows).to(x.dtype), y[rows].flatten(0, 2)
            for taps, inputs in seen.pieces(rows):
                into.baddbmm_(inputs, kernels[:, taps].flatten(1, 2), beta=min(taps.start, 1))
        # Detached, because autograd lets no one write into a view that a function of its own has made.
        return y.permute(3, 2, 4, 0, 1).flatten(1, 2).detach()


def _backward(
    x: Tensor, gradient: Tensor, source: _Source, geometry: Geometry, needs_x: bool, needs_kernels: bool
) -> Tensor | None:
    with torch.autocast(x.device.type, enabled=False):
        seen = _Map.of(x, geometry)
        result = _Map.zeros(x, geometry) if needs_x else None
        by_group = torch.unflatten(gradient, 1, (geometry.groups, -1))
        by_position = by_group.permute(3, 4, 1, 0, 2).contiguous()  # (Y, X, G, B, F/G)
        for rows in seen.blocks():
            of_rows = by_position[rows].flatten(0, 2)  # (R*X*G, B, F/G)
            kernels = source.kernels(rows).to(x.dtype) if needs_x else None
            for taps, inputs in seen.pieces(rows):
                if needs_kernels:
                    of_kernels = torch.bmm(inputs.mT, of_rows)
                    source.collect(rows, taps, torch.unflatten(of_kernels, 1, (taps.stop - taps.start, -1)))
                if kernels is not None and result is not None:
                    result.add(rows, taps, torch.bmm(of_rows, kernels[:, taps].flatten(1, 2).mT))
        return None if result is None else laid_out_as(x, result.image())


def _tap_major(kernels: Tensor, geometry: Geometry) -> Tensor:
    """Lay kernels out as the maps are: (M, F, C/G, rows, columns) -> (M, G, T, C/G, F/G); a view if possible."""
    return torch.unflatten(kernels.flatten(3), 1, (geometry.groups, -1)).permute(0, 1, 4, 3, 2)


def _as_kernels(tap_major: Tensor, geometry: Geometry) -> Tensor:
    """Undo `_tap_major`."""
    kernels = tap_major.permute(0, 1, 4, 3, 2).flatten(1, 2)
    return torch.unflatten(kernels, 3, geometry.kernel_size).contiguous()
