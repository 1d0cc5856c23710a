"""What the network of a plan costs, from the cost of the untouched host."""

from __future__ import annotations

from dataclasses import replace

from ..choices import CONV, Plan
from ..layers import Cost
from .build import require_buildable
from .site_costs import site_cost
from .sites import Survey

__all__ = ["plan_cost"]


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
