"""The control with as many parameters: a convolution with a hidden layer beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .convolution import require_plain
from .functional import require_dtype
from .geometry import Geometry


__all__ = ["WideConv2d", "matching_hidden_channels"]

_TOLERANCE = 0.02
"""The share of its parameters by which the control may miss those of the layer that it matches."""


class WideConv2d(nn.Module):
    r"""A convolution with a hidden layer of the same geometry beside it, to spend parameters on.

    .. math::
        y = \mathrm{conv}(x) + \mathrm{mix}(\mathrm{relu}(\mathrm{hidden}(x)))

    where ``hidden`` is a convolution of the geometry of ``conv`` with M out channels and ``mix`` a 1x1
    convolution from M to F channels; neither has a bias, both have the groups of ``conv``. The shape of the
    output is that of ``conv``, so that the layer fits anywhere in a network, where more filters would not.
    It has M*(T*C + F)/G parameters more than the convolution; `matching_hidden_channels` gives the M that
    matches a low-rank layer. It knows nothing of positions and works on maps of any size.

    At the start each of the two terms has the variance of a he_uniform convolution, and their sum twice that.

    Args:
        geometry: of the convolution.
        hidden_channels: M, a multiple of the groups.
        bias: whether the convolution has a bias.
        device: of the parameters.
        dtype: of the parameters.

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
        super().__init__()
        if hidden_channels < 1 or hidden_channels % geometry.groups:
            raise InputError(
                f"hidden_channels must be a positive multiple of groups (={geometry.groups}), but is "
                f"{hidden_channels}"
            )
        device = torch.get_default_device() if device is None else device
        like = asdict(geometry) | {"device": device, "dtype": dtype}
        del like["input_size"]
        self.conv = _undrawn(**like, bias=bias)
        self.hidden = _undrawn(**(like | {"out_channels": hidden_channels}), bias=False)
        self.mix = _undrawn(
            in_channels=hidden_channels,
            out_channels=geometry.out_channels,
            kernel_size=1,
            groups=geometry.groups,
            bias=False,
            device=device,
            dtype=dtype,
        )
        self.reset_parameters()

    @classmethod
    def from_conv(cls, conv: nn.Conv2d, input_size: int | Sequence[int], hidden_channels: int) -> WideConv2d:
        """Make the layer that computes what a convolution computes: its hidden layer has no influence yet.

        The hidden layer is he_uniform, drawn from the global generator of torch for the CPU.

        Args:
            conv: a plain convolution; dtype, device, training mode and the presence of a bias are taken over.
            input_size: (H, W) of the maps that it sees.
            hidden_channels: M.

        Raises:
            InputError: if the module is not a plain `torch.nn.Conv2d`, or M is not possible.
        """
        require_plain(conv)
        geometry = Geometry.of_conv(conv, input_size)
        options: dict[str, Any] = {"bias": conv.bias is not None, "dtype": conv.weight.dtype}
        layer = cls(geometry, hidden_channels, device="meta", **options).to_empty(device="cpu")
        layer.reset_parameters()
        nn.init.zeros_(layer.mix.weight)
        layer.to(conv.weight.device)
        with torch.no_grad():
            layer.conv.weight.copy_(conv.weight)
            if conv.bias is not None and layer.conv.bias is not None:
                layer.conv.bias.copy_(conv.bias)
        return layer.train(conv.training)

    def reset_parameters(self) -> None:
        """Draw he_uniform kernels from the global generator of torch; set the bias to zero."""
        for conv in (self.conv, self.hidden, self.mix):
            bound = math.sqrt(6 / conv.weight[0].numel())
            nn.init.uniform_(conv.weight, -bound, bound)
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            input: shape (B, C, H, W) or (C, H, W).

        Returns:
            The output, with shape (B, F, Y, X) or (F, Y, X).

        Raises:
            InputError: if the dtype is not that of the layer.
        """
        require_dtype(input, self.conv.weight)
        y: Tensor = self.conv(input) + self.mix(self.hidden(input).relu())
        return y


def matching_hidden_channels(geometry: Geometry, rank: int, *, bias: bool = True) -> int:
    """The hidden channels with which `WideConv2d` has the parameters of a low-rank layer.

    The low-rank layer is that with row + column weights and position biases: K*T*C*F/G + (K + 1)*(Y + X)
    parameters, and F more with a bias. The match holds within 2 %.

    Args:
        geometry: of both layers.
        rank: K.
        bias: whether both have a bias for each channel.

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


def _undrawn(*, device: torch.device | str, **options: Any) -> nn.Conv2d:
    """A convolution that has drawn no random number: its weights are whatever lay in the memory."""
    return nn.Conv2d(**options, device="meta").to_empty(device=device)
