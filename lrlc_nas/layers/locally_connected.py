"""The end of the scale: a convolution without sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from .by_position import apply_own
from .cost import Cost, conv_cost
from .folding import as_convolution
from .functional import add_bias
from .geometry import Geometry
from .relaxed import OneSizeConv2d, empty_parameter, he_uniform, take_over_bias

__all__ = ["LocallyConnected2d"]


class LocallyConnected2d(OneSizeConv2d):
    r"""A convolution whose kernel and bias belong to one position each: nothing is shared.

    .. math:: y_{b,f,i,j} = \sum_{c,t} W_{i,j,f,c,t} \, x_{b,c,(i,j)+t} + \beta_{f,i,j}

    Gradient-based learning applied to document recognition (LeCun et al., 1998) calls it a layer without
    weight sharing. Parameters: Y*X*T*C*F/G + F*Y*X.

    The arguments are those of `torch.nn.Conv2d`, and (H, W) of the maps that the layer takes; it takes no
    other size.

    Attributes:
        weight: shape (Y, X, F, C/G, rows, columns).
        bias: shape (F, Y, X), or None.

    Raises:
        InputError: if the arguments do not describe a layer.
    """

    weight: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        input_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        geometry = Geometry.of(
            in_channels,
            out_channels,
            kernel_size,
            input_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        super().__init__(geometry)
        positions, kernel = self.geometry.output_size, self.geometry.kernel_shape
        parameter = partial(empty_parameter, device=device, dtype=dtype)
        self.weight = parameter(*positions, *kernel)
        self.bias = parameter(kernel[0], *positions) if bias else None
        self.reset_parameters()

    @classmethod
    def of_geometry(cls, geometry: Geometry, **options: Any) -> Self:
        """Make the layer of a geometry."""
        return cls(**asdict(geometry), **options)

    @classmethod
    def arguments(cls, geometry: Geometry, rank: int, *, bias: bool) -> dict[str, Any]:
        """A bias, even where the convolution has none.

        So it is in the paper, and so the layer is the end of a scale whose other members have a position bias.
        """
        return {"bias": True}

    @classmethod
    def cost(cls, geometry: Geometry, *, bias: bool = True) -> Cost:
        """YX*TCF/G + FYX parameters; MACs and activations of a convolution."""
        conv = conv_cost(geometry, bias=False)
        return replace(conv, parameters=geometry.positions * conv.parameters + bias * conv.activations)

    @classmethod
    def from_kernels(cls, kernels: Tensor, bias: Tensor | None, geometry: Geometry) -> LocallyConnected2d:
        """The layer with copies of kernels (Y, X, F, C/G, rows, columns) and of biases, (F, Y, X) or None.

        Dtype and device are those of the kernels.
        """
        layer = cls.of_geometry(geometry, bias=bias is not None, device="meta", dtype=kernels.dtype)
        layer.to_empty(device=kernels.device)
        with torch.no_grad():
            layer.weight.copy_(kernels)
            if bias is not None and layer.bias is not None:
                layer.bias.copy_(bias)
        return layer

    def reset_parameters(self) -> None:
        """Draw he_uniform kernels from the global generator of torch; set biases to zero."""
        he_uniform(self.weight, self.geometry.fan_in)
        self._zero_bias()

    def kernels(self) -> Tensor:
        """The kernel of each position, with shape (Y, X, F, C/G, rows, columns)."""
        return self.weight

    def _output(self, x: Tensor) -> Tensor:
        return add_bias(apply_own(x, self.weight, self.geometry), self.bias, None)

    def fold(self) -> LocallyConnected2d | nn.Conv2d:
        """The convolution that computes the same, if all positions are exactly equal; else this layer."""
        with torch.no_grad():
            conv = as_convolution(self.weight, self.bias, self.geometry, self.weight.dtype)
        return self if conv is None else conv.train(self.training)

    def _start_as(self, conv: nn.Conv2d) -> None:
        """Its kernel and bias at every position."""
        self.weight.copy_(conv.weight)
        take_over_bias(self.bias, conv)
