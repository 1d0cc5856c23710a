"""What one site costs under each choice, by the formula of its layer."""

from __future__ import annotations

from ..choices import CONV, Choice
from ..layers import Cost
from ..layers.cost import conv_cost
from .build import arguments, layer_class
from .sites import Site

__all__ = ["site_cost"]


def site_cost(site: Site, choice: Choice) -> Cost:
    """The cost of one site under a choice: `RelaxedConv2d.cost` of its layer, MACs and activations for each call.

    Low-rank layers are taken on their bank path.

    A host may widen convolutions with the modules that read them; a ``wide-K`` of that kind is a change of
    several modules, and `lrlc_nas.networks.plan_cost` alone knows its cost.

    Raises:
        InputError: if the choice cannot be built at the site.
    """
    geometry = site.geometry
    if choice == CONV:
        once = conv_cost(geometry, bias=site.bias)
    else:
        once = layer_class(choice).cost(geometry, **arguments(geometry, choice, bias=site.bias))
    return Cost(once.parameters, site.calls * once.macs, site.calls * once.activations)
