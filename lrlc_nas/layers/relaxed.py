"""What all layers share that can take the place of a convolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, cast

import torch
from torch import Tensor, nn

from ..errors import InputError
from .convolution import require_plain
from .cost import Cost
from .functional import require_dtype
from .geometry import CONV_OPTIONS, Geometry

__all__ = ["OneSizeConv2d", "RelaxedConv2d", "empty_parameter", "he_uniform", "take_over_bias"]


class RelaxedConv2d(nn.Module):
    """A layer that can take the place of a `torch.nn.Conv2d` over maps of one size.

    It tells of itself what a convolution does. An heir says how it is made for a rank (`arguments`), what it costs
    (`cost`) and how it starts as a convolution (``_start_as``); the rest follows.
    """

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] | str
    dilation: tuple[int, int]
    groups: int
    padding_mode: str

    decayed: ClassVar[tuple[str, ...]] = ()
    """Names of parameters of one dimension that weight decay pulls all the same, because they set a kernel."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.geometry = geometry
        for name in CONV_OPTIONS:
            setattr(self, name, getattr(geometry, name))

    @classmethod
    def of_geometry(cls, geometry: Geometry, *args: Any, **options: Any) -> Self:
        """Make the layer from a geometry and what else its constructor takes."""
        return cls(geometry, *args, **options)

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: int | Sequence[int], *args: Any, bias: bool | None = None, **options: Any
    ) -> Self:
        """Make the layer that computes what a convolution computes on maps of size (H, W).

        Dtype, device and training mode are those of the convolution. What is drawn comes from the global generator of
        torch for the CPU, whatever the device, so that a seed gives the same layer everywhere.

        Args:
            conv: a plain convolution.
            input_size: (H, W).
            args: as the constructor takes them behind the geometry.
            bias: whether the layer has a bias; None for yes if the convolution has one. A new bias is zero.
            options: likewise.

        Raises:
            InputError: if the module is not a plain `torch.nn.Conv2d`, has a bias that the layer is not to have, or
                the options do not describe a layer.
        """
        require_plain(conv)
        bias = conv.bias is not None if bias is None else bias
        if conv.bias is not None and not bias:
            raise InputError("the convolution has a bias, so a layer that computes the same needs one: bias is False")
        # Made without storage, so that no random number is drawn for weights that are replaced anyway.
        options |= {"bias": bias, "device": "meta", "dtype": conv.weight.dtype}
        layer = cls.of_geometry(Geometry.of_conv(conv, input_size), *args, **options)
        layer.to_empty(device=conv.weight.device)
        with torch.no_grad():
            layer._start_as(conv)
        return layer.train(conv.training)

    @classmethod
    def arguments(cls, geometry: Geometry, rank: int, *, bias: bool) -> dict[str, Any]:
        """What the layer is made with in a search, besides its geometry and the options of its kind.

        The rank is 0 for a kind without one; the bias is that of the convolution.

        Raises:
            InputError: with the reason, if it cannot be made.
        """
        return {"bias": bias} | ({"rank": rank} if rank else {})

    @classmethod
    def cost(cls, geometry: Geometry, *args: Any, **options: Any) -> Cost:
        """What the layer costs that `of_geometry` makes of the same arguments, used once for each image."""
        raise NotImplementedError

    def _start_as(self, conv: nn.Conv2d) -> None:
        """Give parameters without values those with which the layer computes what a convolution computes."""
        raise NotImplementedError

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def on_four_axes(tensor: Tensor) -> Tensor:
            """Take banks for the filters that they are: ``channels_last`` fails on five axes."""
            if tensor.dim() != 5:
                return fn(tensor)
            return torch.unflatten(fn(tensor.flatten(0, 1)), 0, tensor.shape[:2])

        super()._apply(on_four_axes, recurse)  # type: ignore[no-untyped-call]
        return self


class OneSizeConv2d(RelaxedConv2d):
    """A layer with parameters for its positions, so that it takes maps of one size alone."""

    bias: Tensor | None

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to an input (B, C, H, W) or (C, H, W).

        Returns:
            The output, with shape (B, F, Y, X) or (F, Y, X).

        Raises:
            InputError: if the size, the channels or the dtype are not those of the layer.
        """
        self.geometry.require_input(input)
        require_dtype(input, self._kernel())
        if input.dim() == 3:
            return self._output(input.unsqueeze(0)).squeeze(0)
        return self._output(input)

    def extra_repr(self) -> str:
        """The geometry, in the manner of `torch.nn.Conv2d`."""
        return self.geometry.describe() + ("" if self.bias is not None else ", bias=False")

    def _zero_bias(self) -> None:
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def _kernel(self) -> Tensor:
        """A parameter whose dtype is that of the layer."""
        return cast(Tensor, self.weight)

    def _output(self, x: Tensor) -> Tensor:
        """The output for a batch (B, C, H, W)."""
        raise NotImplementedError


def empty_parameter(*shape: int, device: torch.device | str | None, dtype: torch.dtype | None) -> nn.Parameter:
    """A parameter without values."""
    return nn.Parameter(torch.empty(*shape, device=device, dtype=dtype))


def he_uniform(kernel: Tensor, fan_in: int) -> None:
    """Draw a kernel from the global generator of torch; each output sums so many products."""
    bound = math.sqrt(6 / fan_in)
    nn.init.uniform_(kernel, -bound, bound)


def take_over_bias(bias: Tensor | None, conv: nn.Conv2d) -> None:
    """Write the bias of a convolution, zeros if it has none, into that of a layer, with shape (F,) or (F, Y, X)."""
    if bias is None:
        return
    if conv.bias is None:
        bias.zero_()
    else:
        bias.copy_(conv.bias.view(-1, *[1] * (bias.dim() - 1)))
