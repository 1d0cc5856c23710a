"""What all layers share that can take the place of a convolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ..errors import InputError
from .conversion import on_four_axes
from .convolution import require_plain
from .cost import Cost
from .geometry import Geometry

__all__ = ["RelaxedConv2d", "take_over_bias"]


class RelaxedConv2d(nn.Module):
    """A layer that can take the place of a `torch.nn.Conv2d` over maps of one size.

    It tells of itself what a convolution does. An heir says how it is made for a rank (`arguments`), what it costs
    (`cost`) and how it starts as a convolution (``_start_as``); the rest follows.

    Args:
        geometry: of the layer.

    Attributes:
        geometry: the same.
        in_channels: C.
        out_channels: F.
        kernel_size: rows and columns of the kernel.
        stride: steps along rows and columns.
        padding: (rows, columns), ``"same"`` or ``"valid"``.
        dilation: distances between taps along rows and columns.
        groups: G.
        padding_mode: ``zeros``, ``reflect``, ``replicate`` or ``circular``.
    """

    decayed: ClassVar[tuple[str, ...]] = ()
    """Names of parameters of one dimension that weight decay pulls all the same, because they set a kernel."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        self.geometry = geometry
        self.in_channels = geometry.in_channels
        self.out_channels = geometry.out_channels
        self.kernel_size = geometry.kernel_size
        self.stride = geometry.stride
        self.padding = geometry.padding
        self.dilation = geometry.dilation
        self.groups = geometry.groups
        self.padding_mode = geometry.padding_mode

    @classmethod
    def of_geometry(cls, geometry: Geometry, *args: Any, **options: Any) -> Self:
        """Make the layer from a geometry and what else its constructor takes."""
        return cls(geometry, *args, **options)

    @classmethod
    def from_conv(
        cls, conv: nn.Conv2d, input_size: int | Sequence[int], *args: Any, bias: bool | None = None, **options: Any
    ) -> Self:
        """Make the layer that computes what a convolution computes.

        What is drawn comes from the global generator of torch for the CPU, whatever the device, so that a seed gives
        the same layer everywhere.

        Args:
            conv: a plain convolution; dtype, device and training mode are taken over.
            input_size: (H, W) of the maps that it sees.
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
        """What the layer is made with, besides its geometry and the options of its kind, in a search.

        Args:
            geometry: of the layer.
            rank: K; 0 for a kind without one.
            bias: whether the convolution has a bias.

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
        super()._apply(on_four_axes(fn), recurse)  # type: ignore[no-untyped-call]
        return self


def take_over_bias(bias: Tensor | None, conv: nn.Conv2d) -> None:
    """Write the bias of a convolution, zeros if it has none, into that of a layer, with shape (F,) or (F, Y, X)."""
    if bias is None:
        return
    if conv.bias is None:
        bias.zero_()
    else:
        bias.copy_(conv.bias.view(-1, *[1] * (bias.dim() - 1)))
