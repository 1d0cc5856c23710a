"""What networks cost: one site under a choice and a plan by formula, an untouched host by a forward pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..choices import CONV, Choice, Plan
from ..layers import Cost
from ..layers.cost import conv_cost
from ..layers.samples import Sample, batch_size
from .build import arguments, layer_class, require_buildable
from .own_layers import own_cost
from .passes import copied, elements_kept, run
from .sites import Site, Survey

__all__ = ["host_cost", "plan_cost", "site_cost"]


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
    elif choice.is_own:
        once = own_cost(choice.kind, geometry, bias=site.bias)
    else:
        once = layer_class(choice).cost(geometry, **arguments(geometry, choice, bias=site.bias))
    return Cost(once.parameters, site.calls * once.macs, site.calls * once.activations)


def plan_cost(host: Cost, survey: Survey, plan: Plan) -> Cost:
    """The cost of a host under a plan, from its cost untouched and its survey.

    Where the host itself widens a convolution, the modules that follow are wider too, and whatever stands at
    the next site reads more channels.

    Raises:
        InputError: if the plan names an unknown site, or a choice that cannot be built there.
    """
    plan.require_sites(survey.sites)
    sites, choices = dict(survey.sites), dict(plan)
    for name, choice in plan:
        require_buildable(survey, name, choice)
        widening = survey.widening(name, choice)
        if widening is not None:
            width = widening.width(choice.rank)
            host += (width - sites[name].out_channels) * widening.per_channel
            sites[name] = replace(sites[name], out_channels=width)
            choices[name] = CONV
            if widening.reader in sites:
                sites[widening.reader] = replace(sites[widening.reader], in_channels=width)
    for name, site in sites.items():
        host += site_cost(site, choices.get(name, CONV)) - site_cost(survey.sites[name], CONV)
    return host


def host_cost(host: nn.Module, sample: Sample) -> Cost:
    """Measure the cost of an untouched host, which is left as it is, on a batch of inputs.

    MACs are half the operations that `torch.utils.flop_counter.FlopCounterMode` counts: convolutions, matrix
    products and attention. Activations are the outputs of the modules without children, except those that
    lie in the memory of their input (in-place activations, flattening); what lies between modules is not
    seen.

    Raises:
        InputError: if the host cannot be copied, or does not run on the sample.
    """
    spent = copied(host)
    kept = 0

    def note(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal kept
        kept += elements_kept(args, output)

    for module in spent.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        run(spent, sample)
    parameters = sum(parameter.numel() for parameter in spent.parameters())
    return Cost(parameters, counter.get_total_flops() // 2 // batch_size(sample), kept // batch_size(sample))
