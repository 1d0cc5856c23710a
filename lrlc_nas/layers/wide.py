"""The control with as many parameters: a convolution with a hidden layer beside it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .cost import Cost, conv_cost
from .functional import require_dtype
from .geometry import Geometry
from .relaxed import RelaxedConv2d, he_uniform, take_over_bias

__all__ = ["WideConv2d", "matching_hidden_channels"]

_TOLERANCE = 0.02
"""The share of its parameters by which the control may miss those of the layer that it matches."""


class WideConv2d(RelaxedConv2d):
    r"""A convolution with a hidden layer of the same geometry beside it, to spend parameters on.

    .. math::
        y = \mathrm{conv}(x) + \mathrm{mix}(\mathrm{relu}(\mathrm{hidden}(x)))

    where ``hidden`` is a convolution of the geometry of ``conv`` with M out channels and ``mix`` a 1x1
    convolution from M to F channels; neither has a bias, both have the groups of ``conv``. The shape of the
    output is that of ``conv``, so that the layer fits anywhere in a network, where more filters would not.
    It has M*(T*C + F)/G parameters more than the convolution; `matching_hidden_channels` gives the M that
    matches a low-rank layer. It knows nothing of positions and works on maps of any size.

    At the start each of the two terms has the variance of a he_uniform convolution, and their sum twice that.

    Raises:
        InputError: if M is no positive multiple of the groups.
    """

    def __init__(
        self,
        geometry: Geometry,
        hidden_channels: int,
        *,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(geometry)
        if hidden_channels < 1 or hidden_channels % geometry.groups:
            raise InputError(
                f"hidden_channels must be a positive multiple of groups (={geometry.groups}), but is {hidden_channels}"
            )
        place: dict[str, Any] = {"device": device, "dtype": dtype}
        pointwise = Geometry.of(hidden_channels, geometry.out_channels, 1, geometry.output_size, groups=geometry.groups)
        self.conv = geometry.empty_conv(bias=bias, **place)
        self.hidden = geometry.empty_conv(out_channels=hidden_channels, bias=False, **place)
        self.mix = pointwise.empty_conv(bias=False, **place)
        self.reset_parameters()

    @classmethod
    def arguments(cls, geometry: Geometry, rank: int, *, bias: bool) -> dict[str, Any]:
        """The hidden channels that match a low-rank layer of rank K."""
        return {"bias": bias, "hidden_channels": matching_hidden_channels(geometry, rank, bias=bias)}

    @classmethod
    def cost(cls, geometry: Geometry, hidden_channels: int, *, bias: bool = True) -> Cost:
        """A convolution's, and M(TC + F)/G parameters, YX*M(TC + F)/G MACs and M*YX activations."""
        per_channel = geometry.fan_in * geometry.groups + geometry.out_channels
        more, positions = hidden_channels * per_channel // geometry.groups, geometry.positions
        return conv_cost(geometry, bias=bias) + Cost(more, positions * more, positions * hidden_channels)

    def reset_parameters(self) -> None:
        """Draw he_uniform kernels from the global generator of torch; set the bias to zero."""
        for conv in (self.conv, self.hidden, self.mix):
            he_uniform(conv.weight, conv.weight[0].numel())
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to an input (B, C, H, W) or (C, H, W).

        Raises:
            InputError: if the dtype is not that of the layer.
        """
        require_dtype(input, self.conv.weight)
        y: Tensor = self.conv(input) + self.mix(self.hidden(input).relu())
        return y

    def _start_as(self, conv: nn.Conv2d) -> None:
        """The hidden layer is he_uniform, and has no influence yet."""
        options: dict[str, Any] = {"bias": conv.bias is not None, "dtype": conv.weight.dtype, "device": "cpu"}
        drawn = type(self)(self.geometry, self.hidden.out_channels, **options)
        self.hidden.weight.copy_(drawn.hidden.weight)
        self.mix.weight.zero_()
        self.conv.weight.copy_(conv.weight)
        take_over_bias(self.conv.bias, conv)


def matching_hidden_channels(geometry: Geometry, rank: int, *, bias: bool = True) -> int:
    """The hidden channels with which `WideConv2d` has the parameters of a low-rank layer of rank K, within 2 %.

    The low-rank layer is that with row + column weights and position biases: K*T*C*F/G + (K + 1)*(Y + X)
    parameters, and F more with a bias.

    Raises:
        InputError: with the figures, if no number of hidden channels matches so well, or none is needed.
    """
    groups, kernel = geometry.groups, math.prod(geometry.kernel_shape)
    channels = geometry.out_channels if bias else 0
    wanted = rank * kernel + (rank + 1) * sum(geometry.output_size) + channels
    step = geometry.fan_in * groups + geometry.out_channels  # one hidden channel in each group
    steps = round((wanted - kernel - channels) / step)
    if steps == 0:
        raise InputError(
            f"the parameters of lrlc-{rank} are {wanted - kernel - channels:,} more than those of the "
            f"convolution, too few for a hidden channel in each group ({step:,})"
        )
    found = kernel + channels + steps * step
    if abs(found - wanted) > _TOLERANCE * wanted:
        raise InputError(
            f"lrlc-{rank} has {wanted:,} parameters; the nearest that hidden channels reach is {found:,} (with "
            f"{steps * groups}), and required is a match within {_TOLERANCE:.0%}"
        )
    return steps * groups
