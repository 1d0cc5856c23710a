"""Combining weights: the K numbers at each position that mix the banks.

Raw weights A come from one of seven parametrisations (i row, j column, k bank):

===================  =============================  ==================================
``weights``          A[i, j, k]                     parameters
===================  =============================  ==================================
``"row+column"``     row[i, k] + column[j, k]       ``row`` (Y, K), ``column`` (X, K)
``"rows"``           row[i, k]                      ``row`` (Y, K)
``"columns"``        column[j, k]                   ``column`` (X, K)
``"full"``           position[i, j, k]              ``position`` (Y, X, K)
``"input"``          net(x)[i, j, k]                those of `lrlc_nas.layers.input_weights`
``"rows-input"``     net(x)[i, k]                   likewise
``"columns-input"``  net(x)[j, k]                   likewise
===================  =============================  ==================================

and are normalised over k at each position: ``"softmax"``, ``"norm"`` (length 1) or ``"none"``. The same sums
give the position bias, with one number in the place of K; where the weights come from the input, it is free at each
position, row or column.

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

__all__ = [
    "NORMALIZATIONS",
    "PARTS",
    "constant_weight",
    "mixture_sum",
    "neighbour_difference",
    "normalized",
    "part_shape",
    "require_combining",
    "summed",
]

PARTS: Mapping[str, tuple[str, ...]] = {
    "row+column": ("row", "column"),
    "rows": ("row",),
    "columns": ("column",),
    "full": ("position",),
    "input": ("position",),
    "rows-input": ("row",),
    "columns-input": ("column",),
}
"""The parametrisations that exist, and the parts that each of them sums; of those from the input the bias alone."""

NORMALIZATIONS = ("softmax", "norm", "none")

_EPSILON = 1e-12  # of the reference implementation


def require_combining(weights: str, normalize: str, rank: int) -> None:
    """Raise `InputError` unless the three options exist."""
    if weights not in PARTS:
        raise InputError(f"weights must be one of {', '.join(PARTS)}, but is {weights!r}")
    if normalize not in NORMALIZATIONS:
        raise InputError(f"normalize must be one of {', '.join(NORMALIZATIONS)}, but is {normalize!r}")
    if rank < 1:
        raise InputError(f"rank must be at least 1, but is {rank}")


def part_shape(part: str, output_size: tuple[int, int]) -> tuple[int, ...]:
    """The positions that a part distinguishes: (Y,), (X,) or (Y, X)."""
    return {"row": output_size[:1], "column": output_size[1:], "position": output_size}[part]


def summed(parts: Mapping[str, Tensor], output_size: tuple[int, int]) -> Tensor:
    r"""Add parts of shape (Y, \*), (X, \*) or (Y, X, \*) up at each position: (Y, X, \*)."""
    rows, columns = output_size
    if "position" in parts:
        return parts["position"]
    if "row" not in parts:
        return parts["column"].expand(rows, *parts["column"].shape)
    row = parts["row"].unsqueeze(1)
    if "column" not in parts:
        return row.expand(rows, columns, *row.shape[2:])
    return row + parts["column"]


def normalized(raw: Tensor, normalize: str) -> Tensor:
    """Normalise raw combining weights, (Y, X, K) or (B, Y, X, K), over the banks: ``softmax``, ``norm`` or ``none``."""
    if normalize == "softmax":
        return F.softmax(raw, dim=-1)
    if normalize == "norm":
        return F.normalize(raw, dim=-1, eps=_EPSILON)
    return raw


def neighbour_difference(combining: Tensor) -> Tensor:
    r"""How much combining weights, (Y, X, K) or (B, Y, X, K), differ from one position to the next.

    .. math:: \mathrm{mean}_{k, (p, q)} |w_{p,k} - w_{q,k}| \quad \text{over all pairs (p, q) of neighbours}

    along rows and along columns, and over images; shape (), and 0 for one position.

    Approximately Equivariant Networks for Imperfectly Symmetric Dynamics (Wang, Walters and Yu, 2022)
    https://arxiv.org/abs/2201.11969
    """
    steps = torch.cat([combining.diff(dim=axis).flatten() for axis in (-3, -2)])
    return steps.abs().sum() / max(steps.numel(), 1)


def constant_weight(weights: str, rank: int) -> float:
    """The initial value of every part, equal at all positions: 1/sqrt(K) over the number of parts."""
    return 1 / (math.sqrt(rank) * len(PARTS[weights]))


def mixture_sum(normalize: str, rank: int) -> float:
    """The initial sum of the combining weights of a position: 1 under softmax, else sqrt(K)."""
    return 1.0 if normalize == "softmax" else math.sqrt(rank)
