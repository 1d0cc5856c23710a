"""The control that knows the position without another kernel: a convolution that sees coordinates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from .cost import Cost, conv_cost
from .functional import add_bias, convolved
from .geometry import Geometry
from .relaxed import OneSizeConv2d, empty_parameter, he_uniform, take_over_bias

__all__ = ["CoordConv2d"]


class CoordConv2d(OneSizeConv2d):
    r"""A convolution that also sees two channels of coordinates, the row and the column of each pixel.

    .. math::
        y = \mathrm{weight} * x + \mathrm{coord\_weight} * (\mathrm{row}, \mathrm{column}) + \beta

    which is a convolution of the concatenation. Both coordinates run from -1 to 1 over the input map (they
    are 0 on a map of one row or column) and are padded as the input is. With groups, every group sees them.

    An Intriguing Failing of Convolutional Neural Networks and the CoordConv Solution (Liu et al., 2018)
    https://arxiv.org/abs/1807.03247

    Attributes:
        weight: shape (F, C/G, rows, columns).
        coord_weight: shape (F, 2, rows, columns); first the row, then the column.
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
        self.weight = parameter(*geometry.kernel_shape)
        self.coord_weight = parameter(geometry.out_channels, 2, *geometry.kernel_size)
        self.bias = parameter(geometry.out_channels) if bias else None
        self.reset_parameters()

    @classmethod
    def cost(cls, geometry: Geometry, *, bias: bool = True) -> Cost:
        """A convolution's, and 2TF parameters; the coordinates are convolved once for a batch."""
        taps = geometry.kernel_size[0] * geometry.kernel_size[1]
        return conv_cost(geometry, bias=bias) + Cost(parameters=2 * taps * geometry.out_channels)

    def reset_parameters(self) -> None:
        """Draw he_uniform kernels from the global generator of torch; set the bias to zero."""
        taps = self.geometry.kernel_size[0] * self.geometry.kernel_size[1]
        for kernel in (self.weight, self.coord_weight):
            he_uniform(kernel, self.geometry.fan_in + 2 * taps)
        self._zero_bias()

    def coordinates(self) -> Tensor:
        """The two channels of coordinates, with shape (1, 2, H, W)."""
        height, width = self.geometry.input_size
        rows, columns = _axis(height, self.coord_weight), _axis(width, self.coord_weight)
        return torch.stack([rows[:, None].expand(height, width), columns.expand(height, width)])[None]

    def _output(self, x: Tensor) -> Tensor:
        y = convolved(x, self.weight, self.geometry)
        # They are the same for all images, so that they are convolved once.
        placed = convolved(self.coordinates(), self.coord_weight, replace(self.geometry, in_channels=2, groups=1))
        return add_bias(y + placed, self.bias, None)

    def _start_as(self, conv: nn.Conv2d) -> None:
        """It does not look at the coordinates yet."""
        self.weight.copy_(conv.weight)
        self.coord_weight.zero_()
        take_over_bias(self.bias, conv)


def _axis(size: int, like: Tensor) -> Tensor:
    """Numbers from -1 to 1; 0 where there is but one."""
    end = 1.0 if size > 1 else 0.0
    return torch.linspace(-end, end, size, device=like.device, dtype=like.dtype)
