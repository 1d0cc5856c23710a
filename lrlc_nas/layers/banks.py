"""Banks that differ in their geometry, and the frame that holds them all.

Bank k has a kernel size and a dilation of its own, and is padded so that its output has the size of the input
(``padding="same"``). Written into a kernel of the largest extent, with zeros between and around its taps, it
computes the same: in this common frame the banks can be mixed as if they had one geometry. The frame is for
what needs one kernel for each position; the bank path convolves each bank as it is, without the zeros.

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import reduce

import torch
from torch import Tensor

from ..errors import InputError
from .functional import apply_banks
from .geometry import Geometry

__all__ = ["Size", "apply_different_banks", "common_frame", "describe_different", "different_geometries", "embedded"]

Size = int | Sequence[int] | list[tuple[int, int]] | list[int | tuple[int, int]]
"""A kernel size or a dilation: an integer, a pair (rows, columns), or a *list* with one of these for each bank."""


def different_geometries(shared: Geometry, kernel_size: Size, dilation: Size, rank: int) -> tuple[Geometry, ...]:
    """The geometry of each of K banks; kernel size and dilation are a list of K or one for all.

    Of `shared`, what the banks have in common, kernel size and dilation do not count.

    Raises:
        InputError: if a list has not K entries, the padding is not ``"same"``, or the arguments of a bank are
            no geometry; the message names the bank.
    """
    if shared.padding != "same":
        raise InputError(f"banks of different geometries require padding='same', but padding is {shared.padding!r}")
    sizes = _for_each_bank("kernel_size", kernel_size, rank)
    dilations = _for_each_bank("dilation", dilation, rank)
    return tuple(_bank_geometry(shared, k, sizes[k], dilations[k]) for k in range(rank))


def common_frame(geometries: Sequence[Geometry]) -> Geometry:
    """The geometry without dilation whose kernel holds every bank: as large as the largest extents."""
    rows, columns = zip(*(geometry.extent for geometry in geometries), strict=True)
    return replace(geometries[0], kernel_size=(max(rows), max(columns)), dilation=(1, 1))


def embedded(bank: Tensor, geometry: Geometry, frame: Geometry) -> Tensor:
    """Write a bank (F, C/G, rows, columns) into the common frame, so that its centre meets those of the others.

    The kernel has the rows and columns of the frame; it is zero where the bank has no tap.
    """
    left, _, top, _ = (outer - own for outer, own in zip(frame.pads, geometry.pads, strict=True))
    (height, width), (step_h, step_w) = geometry.extent, geometry.dilation
    kernel = bank.new_zeros(frame.kernel_shape)
    kernel[:, :, top : top + height : step_h, left : left + width : step_w] = bank
    return kernel


def describe_different(geometries: Sequence[Geometry]) -> str:
    """What ``extra_repr`` says of the banks."""
    sizes = [geometry.kernel_size for geometry in geometries]
    dilations = [geometry.dilation for geometry in geometries]
    return f"bank_sizes={sizes}, bank_dilations={dilations}"


def apply_different_banks(x: Tensor, banks: Iterable[tuple[Tensor, Geometry]], combining: Tensor) -> Tensor:
    """Convolve x with each of K banks in its own geometry, then mix the results at each position (the bank path).

    x is (B, C, H, W), a bank (F, C/G, rows, columns), w (Y, X, K) or (B, Y, X, K), and the output (B, F, Y, X).
    """
    shares = [
        apply_banks(x, bank.unsqueeze(0), weight.unsqueeze(-1), geometry)
        for (bank, geometry), weight in zip(banks, combining.unbind(-1), strict=True)
    ]
    return reduce(torch.add, shares)


def _bank_geometry(
    shared: Geometry, k: int, kernel_size: int | Sequence[int], dilation: int | Sequence[int]
) -> Geometry:
    try:
        return Geometry.of(**(asdict(shared) | {"kernel_size": kernel_size, "dilation": dilation}))
    except InputError as error:
        raise InputError(f"bank {k}: {error}") from None


def _for_each_bank(name: str, value: Size, rank: int) -> Sequence[int | Sequence[int]]:
    if not isinstance(value, list):
        return [value] * rank
    if len(value) != rank:
        raise InputError(
            f"{name} as a list has one entry for each bank, so {rank}, but has {len(value)}: {value!r}; "
            "write (rows, columns) as a tuple"
        )
    return value
