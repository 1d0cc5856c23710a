"""The control that adds a learned position to the input: a convolution that may tell its rows and columns apart."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from .cost import Cost, conv_cost
from .functional import add_bias, convolved
from .geometry import Geometry
from .relaxed import OneSizeConv2d, empty_parameter, he_uniform, take_over_bias

__all__ = ["PositionVectorConv2d"]

_LENGTH = 8


class PositionVectorConv2d(OneSizeConv2d):
    r"""A convolution of the input plus a learned vector for each row and column.

    .. math::
        y = \mathrm{weight} * (x + p) + \beta, \qquad p_{i,j} = P (r_i + c_j)

    r and c have D = 8 numbers for each row and each column of the input, and P projects them to its channels. Where
    such a layer gains as much as one whose kernels differ over positions, it was the position that was missing. p is
    padded as the input is. A convolution is linear, so p is convolved by itself, once for all images.

    The projection starts at zero, so that a fresh layer is a convolution.

    Frequency-Aware Convolution for Sound Event Detection (Song and Zhang, 2024), which adds a code of the row
    https://arxiv.org/abs/2403.13252

    Attributes:
        weight: shape (F, C/G, rows, columns).
        row_vectors: r, with shape (H, D); ``column_vectors`` are c, with shape (W, D).
        projection: P, with shape (C, D).
        bias: shape (F,), or None.
    """

    weight: Tensor

    def __init__(
        self,
        geometry: Geometry,
        *,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(geometry)
        parameter = partial(empty_parameter, device=device, dtype=dtype)
        height, width = geometry.input_size
        self.weight = parameter(*geometry.kernel_shape)
        self.row_vectors = parameter(height, _LENGTH)
        self.column_vectors = parameter(width, _LENGTH)
        self.projection = parameter(geometry.in_channels, _LENGTH)
        self.bias = parameter(geometry.out_channels) if bias else None
        self.reset_parameters()

    @classmethod
    def cost(cls, geometry: Geometry, *, bias: bool = True) -> Cost:
        """A convolution's, and D(H + W + C) parameters; the positions are convolved once for a batch."""
        vectors = sum(geometry.input_size) + geometry.in_channels
        return conv_cost(geometry, bias=bias) + Cost(parameters=_LENGTH * vectors)

    def reset_parameters(self) -> None:
        """Draw a he_uniform kernel and vectors from the global generator of torch; set projection and bias to zero.

        The vectors are normal, of length one or so.
        """
        he_uniform(self.weight, self.geometry.fan_in)
        for vectors in (self.row_vectors, self.column_vectors):
            nn.init.normal_(vectors, std=_LENGTH**-0.5)
        nn.init.zeros_(self.projection)
        self._zero_bias()

    def positions(self) -> Tensor:
        """What is added to the input, p, with shape (1, C, H, W)."""
        vectors = self.row_vectors[:, None] + self.column_vectors  # (H, W, D)
        return (vectors @ self.projection.mT).permute(2, 0, 1)[None]

    def _output(self, x: Tensor) -> Tensor:
        y = convolved(x, self.weight, self.geometry)
        return add_bias(y + convolved(self.positions(), self.weight, self.geometry), self.bias, None)

    def _start_as(self, conv: nn.Conv2d) -> None:
        """Its positions add nothing yet."""
        drawn = type(self)(self.geometry, dtype=conv.weight.dtype, device="cpu")
        self.row_vectors.copy_(drawn.row_vectors)
        self.column_vectors.copy_(drawn.column_vectors)
        self.projection.zero_()
        self.weight.copy_(conv.weight)
        take_over_bias(self.bias, conv)
