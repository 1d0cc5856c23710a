"""Combining weights that are computed from the input.

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .combining import constant_weight
from .cost import Cost


__all__ = ["DILATIONS", "NETWORKS", "InputWeights", "active_dilations"]

DILATIONS = (1, 2, 4, 8)
"""The distances at which the network looks around a position."""


def active_dilations(input_size: tuple[int, int]) -> tuple[int, ...]:
    """The dilations r whose 3x3 kernel, 2r + 1 wide, fits into (H, W) maps."""
    return tuple(r for r in DILATIONS if r <= (min(input_size) - 1) // 2)


class InputWeights(nn.Module):
    r"""A small network from the input of a layer to its raw combining weights.

    .. math::
        z = P_0 x, \qquad
        u = [z, \; \mathrm{mean}(z), \; D_1 z, \; D_2 z, \; D_4 z, \; D_8 z], \qquad
        A = P_3 \, \mathrm{sigmoid}(P_2 \, \mathrm{relu}(P_1 u))

    P are 1x1 convolutions, to K, 3K, 6K and K channels; D_r are depthwise 3x3 convolutions of dilation r
    without padding, left out where they do not fit. All parts of u are resized to the output positions,
    bilinearly with aligned corners; the mean is that of each image. Every convolution has a bias.

    Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
    https://arxiv.org/abs/2002.02959

    Args:
        in_channels: C.
        input_size: (H, W).
        output_size: (Y, X).
        rank: K.
        device: of the parameters.
        dtype: of the parameters.

    Attributes:
        low: P_0.
        around: D_r, for each dilation that fits.
        widen: P_1.
        gate: P_2.
        project: P_3.
    """

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
        self.output_size = output_size

        def pointwise(channels: int, filters: int) -> nn.Conv2d:
            return nn.Conv2d(channels, filters, 1, device=device, dtype=dtype)

        self.low = pointwise(in_channels, rank)
        self.around = nn.ModuleList(
            nn.Conv2d(rank, rank, 3, dilation=r, groups=rank, device=device, dtype=dtype)
            for r in active_dilations(input_size)
        )
        self.widen = pointwise((2 + len(self.around)) * rank, 3 * rank)
        self.gate = pointwise(3 * rank, 6 * rank)
        self.project = pointwise(6 * rank, rank)
        self.reset_parameters()

    @classmethod
    def cost(
        cls, in_channels: int, input_size: tuple[int, int], output_size: tuple[int, int], rank: int
    ) -> Cost:
        """What it costs, with n dilations r; resizing is not counted, and keeps nothing.

        ===========  ============================================
        parameters   (30 + 3n)K² + (11 + 10n)K + KC
        macs         HWCK + Σ 9K(H - 2r)(W - 2r) + YX(30 + 3n)K²
        activations  K*HW + (12 + n)K*YX
        ===========  ============================================

        The activations are its K input maps and, at the output positions, the 2 + n views of them, the two hidden
        layers and the weights.
        """
        (height, width), positions = input_size, output_size[0] * output_size[1]
        dilations = active_dilations(input_size)
        pointwise = (30 + 3 * len(dilations)) * rank**2
        around = sum(9 * rank * (height - 2 * r) * (width - 2 * r) for r in dilations)
        return Cost(
            pointwise + (11 + 10 * len(dilations)) * rank + rank * in_channels,
            height * width * in_channels * rank + around + positions * pointwise,
            rank * height * width + (12 + len(dilations)) * rank * positions,
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
        """Compute the raw combining weights.

        Args:
            input: shape (B, C, H, W).

        Returns:
            A, with shape (B, Y, X, K).
        """
        low = self.low(input)
        mean = low.mean((2, 3), keepdim=True).expand(-1, -1, *self.output_size)
        views = [self._resized(low), mean, *(self._resized(look(low)) for look in self.around)]
        hidden = F.relu(self.widen(torch.cat(views, 1)))
        raw: Tensor = self.project(torch.sigmoid(self.gate(hidden)))
        return raw.permute(0, 2, 3, 1)

    def _resized(self, maps: Tensor) -> Tensor:
        return F.interpolate(maps, self.output_size, mode="bilinear", align_corners=True)


NETWORKS: Mapping[str, type[InputWeights]] = {"input": InputWeights}
"""The networks, by what the combining weights depend on."""
