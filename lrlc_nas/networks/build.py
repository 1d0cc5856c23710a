"""From a convolution and a choice to a layer, by the table of kinds."""

from __future__ import annotations

import pkgutil
from functools import cache
from typing import Any

from torch import nn

from ..choices import CONV, Choice
from ..errors import InputError
from ..layers import Geometry, RelaxedConv2d
from .own_layers import own_cost, own_layer
from .sites import Site, Survey

__all__ = ["INITS", "arguments", "build", "layer_class", "require_buildable", "why_not_buildable"]

INITS = ("host", "paper")
"""How relaxed layers start: as the function of the host's convolution, or from their own initialisation."""


def why_not_buildable(survey: Survey, name: str, choice: Choice) -> str | None:
    """Why, with figures, a choice cannot be built at a site: a ``wide-K`` that matches no parameters of ``lrlc-K``."""
    site, widening = survey.sites[name], survey.widening(name, choice)
    if widening is not None:
        width = widening.width(choice.rank)
        if width > site.out_channels:
            return None
        return f"the width that matches lrlc-{choice.rank} is {width}, that of the convolution itself"
    try:
        if choice.is_own:
            own_cost(choice.kind, site.geometry, bias=site.bias)
        elif choice != CONV:
            arguments(site.geometry, choice, bias=site.bias)
    except InputError as error:
        return str(error)
    return None


def require_buildable(survey: Survey, name: str, choice: Choice) -> None:
    """Raise `InputError`, naming the site and the reason, unless the choice can be built there."""
    reason = why_not_buildable(survey, name, choice)
    if reason is not None:
        raise InputError(f"site {name!r}: {choice} cannot be built: {reason}")


def build(conv: nn.Conv2d, site: Site, choice: Choice, init: str) -> nn.Module:
    """Make the layer that takes the place of a convolution, which is left as it is.

    The choice is one that can be built there, and that the host does not realise by widening. The layer is on the
    device, in the dtype and in the training mode of the convolution, and frozen if the weight of that is. With init
    ``host`` it computes what the convolution computes; with ``paper`` it draws from the global generator of torch what
    it draws by itself.
    """
    if choice == CONV:
        return conv
    if choice.is_own:
        return _as_frozen(conv, own_layer(choice.kind, conv, site.input_size))
    layer = layer_class(choice)
    # Not the geometry of the site: where the host has widened the convolution before, this one reads more channels.
    geometry = Geometry.of_conv(conv, site.input_size)
    options = arguments(geometry, choice, bias=site.bias)
    if init == "host":
        return _as_frozen(conv, layer.from_conv(conv, site.input_size, **options))
    # On the CPU, so that a seed gives the same layer for every device.
    fresh = layer.of_geometry(geometry, **options, device="cpu", dtype=conv.weight.dtype)
    return _as_frozen(conv, fresh.to(conv.weight.device).train(conv.training))


def _as_frozen(conv: nn.Conv2d, layer: nn.Module) -> nn.Module:
    """A convolution that its user has frozen stays frozen."""
    return layer if conv.weight.requires_grad else layer.requires_grad_(False)


def arguments(geometry: Geometry, choice: Choice, *, bias: bool) -> dict[str, Any]:
    """What the layer of a choice is made and costed with, besides the geometry.

    Raises:
        InputError: with the reason, if it cannot be built.
    """
    return {**choice.definition.options, **layer_class(choice).arguments(geometry, choice.rank, bias=bias)}


def layer_class(choice: Choice) -> type[RelaxedConv2d]:
    """The layer of a choice other than ``conv``."""
    return _loaded(choice.definition.layer)


@cache
def _loaded(reference: str) -> type[RelaxedConv2d]:
    # Of our own table, never of a user's or a database's.
    layer: type[RelaxedConv2d] = pkgutil.resolve_name(reference)
    return layer
