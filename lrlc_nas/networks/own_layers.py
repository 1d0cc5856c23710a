"""Layers of the user's as choices: ``package.module:function``, called with a convolution and the size of its input."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..errors import InputError
from ..layers import Cost, Geometry, random_state
from ..references import import_function

__all__ = ["own_cost", "own_layer"]


def own_layer(reference: str, conv: nn.Conv2d, input_size: tuple[int, int]) -> nn.Module:
    """Make a layer of the user's in the place of a convolution, and try it once.

    The function is called as ``f(conv, (H, W))`` and returns a module from (B, C, H, W) to (B, F, Y, X), as the
    convolution is one. It may draw from the global generator of torch.

    Raises:
        InputError: if the function fails, or what it returns is no module, does not run, or gives another shape.
    """
    function = import_function(reference)
    try:
        layer = function(conv, input_size)
    except Exception as error:  # the function is the user's
        raise InputError(f"{reference} failed: {type(error).__name__}: {error}") from error
    if not isinstance(layer, nn.Module):
        raise InputError(f"{reference} must return a torch.nn.Module, but returned a {type(layer).__name__}")
    weight = conv.weight
    layer = layer.to(weight.device, weight.dtype).train(conv.training)
    sample = torch.zeros(2, conv.in_channels, *input_size, device=weight.device, dtype=weight.dtype)
    with random_state(device=weight.device):
        try:
            wanted, came = conv(sample).shape, layer(sample).shape
        except Exception as error:  # so is the layer
            raise InputError(f"{reference}: its layer does not run: {type(error).__name__}: {error}") from error
    if wanted != came:
        raise InputError(f"{reference}: its layer must give shape {tuple(wanted)}, but gives {tuple(came)}")
    return layer


def own_cost(reference: str, geometry: Geometry, *, bias: bool) -> Cost:
    """The cost of such a layer at a site, by one pass of one input.

    Raises:
        InputError: as `own_layer`.
    """
    named = ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    conv = nn.Conv2d(
        geometry.in_channels, geometry.out_channels, bias=bias, **{key: getattr(geometry, key) for key in named}
    )
    with random_state(0):
        layer = own_layer(reference, conv, geometry.input_size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = layer(torch.zeros(1, geometry.in_channels, *geometry.input_size))
    parameters = sum(parameter.numel() for parameter in layer.parameters())
    return Cost(parameters, counter.get_total_flops() // 2, output.numel())
