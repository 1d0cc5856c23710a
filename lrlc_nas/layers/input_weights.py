"""Combining weights that are computed from the input: at each position, or for each row or column.

Frequency Dynamic Convolution: Frequency-Adaptive Pattern Recognition for Sound Event Detection (Nam et al., 2022)
https://arxiv.org/abs/2203.15296

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .combining import constant_weight
from .cost import Cost

__all__ = ["DILATIONS", "NETWORKS", "ColumnInputWeights", "InputWeights", "RowInputWeights", "active_dilations"]

DILATIONS = (1, 2, 4, 8)
"""The distances at which the network looks around a position."""


def active_dilations(input_size: Sequence[int]) -> tuple[int, ...]:
    """The dilations r whose kernel, 2r + 1 wide along each axis, fits into maps of this size, such as (H, W)."""
    return tuple(r for r in DILATIONS if r <= (min(input_size) - 1) // 2)


class InputWeights(nn.Module):
    r"""A small network from the input of a layer to its raw combining weights.

    .. math::
        z = P_0 x, \qquad
        u = [z, \; \mathrm{mean}(z), \; D_1 z, \; D_2 z, \; D_4 z, \; D_8 z], \qquad
        A = P_3 \, \mathrm{sigmoid}(P_2 \, \mathrm{relu}(P_1 u))

    P (low, widen, gate, project) are 1x1 convolutions, to K, 3K, 6K and K channels; D_r (around) are depthwise 3x3
    convolutions of dilation r without padding, left out where they do not fit. All parts of u are resized to the output
    positions, bilinearly with aligned corners; the mean is that of each image. Every convolution has a bias.

    Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
    https://arxiv.org/abs/2002.02959
    """

    averaged: ClassVar[int | None] = None
    """The axis of (rows, columns) over which the input is averaged before all else; none here."""

    def __init__(
        self,
        in_channels: int,
        input_size: tuple[int, int],
        output_size: tuple[int, int],
        rank: int,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.output_size = self._without(output_size)
        kernel = self._without((3, 3))

        def pointwise(channels: int, filters: int) -> nn.Conv2d:
            return nn.Conv2d(channels, filters, 1, device=device, dtype=dtype)

        self.low = pointwise(in_channels, rank)
        self.around = nn.ModuleList(
            nn.Conv2d(rank, rank, kernel, dilation=r, groups=rank, device=device, dtype=dtype)
            for r in self._dilations(input_size)
        )
        self.widen = pointwise((2 + len(self.around)) * rank, 3 * rank)
        self.gate = pointwise(3 * rank, 6 * rank)
        self.project = pointwise(6 * rank, rank)
        self.reset_parameters()

    @classmethod
    def cost(cls, in_channels: int, input_size: tuple[int, int], output_size: tuple[int, int], rank: int) -> Cost:
        """What it costs, with n dilations r and T = 9 taps; averages and resizing are not counted.

        ===========  ============================================
        parameters   (30 + 3n)K² + (11 + (T + 1)n)K + KC
        macs         HWCK + Σ TK(H - 2r)(W - 2r) + YX(30 + 3n)K²
        activations  K*HW + (12 + n)K*YX
        ===========  ============================================

        The activations are its K input maps and, at the output positions, the 2 + n views of them, the two hidden
        layers and the weights. Where an axis is averaged, H, Y and H - 2r (or W, X and W - 2r) are 1, T is 3, and
        the averages themselves are kept too.
        """
        pixels, positions = math.prod(cls._without(input_size)), math.prod(cls._without(output_size))
        taps, dilations = math.prod(cls._without((3, 3))), cls._dilations(input_size)
        pointwise = (30 + 3 * len(dilations)) * rank**2
        around = sum(math.prod(side - 2 * r for side in cls._kept(input_size)) for r in dilations)
        averages = 0 if cls.averaged is None else in_channels * pixels
        return Cost(
            pointwise + (11 + (taps + 1) * len(dilations)) * rank + rank * in_channels,
            pixels * in_channels * rank + taps * rank * around + positions * pointwise,
            rank * pixels + (12 + len(dilations)) * rank * positions + averages,
        )

    def reset_parameters(self) -> None:
        """Draw glorot_uniform weights from the global generator of torch; set biases to zero."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_uniform_(parameter)

    def mix_equally(self) -> None:
        """Give all positions of all images the equal weights with which fixed combining weights start."""
        nn.init.zeros_(self.project.weight)
        if self.project.bias is not None:
            nn.init.constant_(self.project.bias, constant_weight("input", self.project.out_channels))

    def forward(self, input: Tensor) -> Tensor:
        """Compute the raw combining weights (B, Y, X, K) of an input (B, C, H, W); X or Y is 1 where it is averaged."""
        if self.averaged is not None:
            input = input.mean(2 + self.averaged, keepdim=True)
        low = self.low(input)
        mean = low.mean((2, 3), keepdim=True).expand(-1, -1, *self.output_size)
        views = [self._resized(low), mean, *(self._resized(look(low)) for look in self.around)]
        hidden = F.relu(self.widen(torch.cat(views, 1)))
        raw: Tensor = self.project(torch.sigmoid(self.gate(hidden)))
        return raw.permute(0, 2, 3, 1)

    @classmethod
    def _kept(cls, size: tuple[int, int]) -> list[int]:
        """The sides that are not averaged."""
        return [side for axis, side in enumerate(size) if axis != cls.averaged]

    @classmethod
    def _without(cls, size: tuple[int, int]) -> tuple[int, int]:
        """A size with 1 for the side that is averaged."""
        rows, columns = (1 if axis == cls.averaged else side for axis, side in enumerate(size))
        return (rows, columns)

    @classmethod
    def _dilations(cls, input_size: tuple[int, int]) -> tuple[int, ...]:
        return active_dilations(cls._kept(input_size))

    def _resized(self, maps: Tensor) -> Tensor:
        return F.interpolate(maps, self.output_size, mode="bilinear", align_corners=True)


class RowInputWeights(InputWeights):
    """Weights that depend on the row alone: the network of `InputWeights` on the mean of each row of the input.

    Its kernels reach along the column of means only, 3x1. Frequency dynamic convolution mixes its kernels so, for
    each frequency of a spectrogram.
    """

    averaged = 1


class ColumnInputWeights(InputWeights):
    """Weights that depend on the column alone: likewise of the mean of each column, with 1x3 kernels."""

    averaged = 0


NETWORKS: Mapping[str, type[InputWeights]] = {
    "input": InputWeights,
    "rows-input": RowInputWeights,
    "columns-input": ColumnInputWeights,
}
"""The networks, by what the combining weights depend on."""
