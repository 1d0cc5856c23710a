"""What a network or a part of one costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .geometry import Geometry

__all__ = ["Cost", "conv_cost"]


@dataclass(frozen=True)
class Cost:
    """The cost of a layer or a network; the difference of two costs may be negative.

    Attributes:
        parameters: numbers that training moves.
        macs: multiply-accumulates that the forward pass makes for each image; what it makes once for a whole
            batch, such as mixing kernels, is left out.
        activations: numbers that the forward pass of one image leaves for the backward pass.
    """

    parameters: int = 0
    macs: int = 0
    activations: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs, self.activations + other.activations)

    def __sub__(self, other: Cost) -> Cost:
        return self + -1 * other

    def __rmul__(self, number: int) -> Cost:
        return Cost(number * self.parameters, number * self.macs, number * self.activations)

    def training_bytes(self, batch: int, state_copies: int = 3, itemsize: int = 4) -> int:
        """Estimate the memory of training a batch, without the temporary memory of the operations.

        Each parameter is held several times: itself, its gradient and what the optimiser keeps (one more with momentum,
        two with Adam).
        """
        return itemsize * (state_copies * self.parameters + batch * self.activations)


def conv_cost(geometry: Geometry, *, bias: bool) -> Cost:
    """The cost of a convolution: TCF/G + F parameters, YX*TCF/G MACs, FYX activations."""
    kernel, positions = math.prod(geometry.kernel_shape), geometry.positions
    channels = geometry.out_channels
    return Cost(kernel + bias * channels, positions * kernel, positions * channels)
