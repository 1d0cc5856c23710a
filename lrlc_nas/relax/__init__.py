"""Hosts, sites and the networks that plans make of them; torch is all this needs."""

from .cost import Cost
from .fold import fold
from .measuring import host_cost
from .plan_costs import plan_cost
from .realise import BUILDABLE, INITS, require_buildable, why_not_buildable
from .replace import relax
from .site_costs import site_cost
from .sites import Site, Survey, sites, survey
from .widening import Widening


__all__ = [
    "BUILDABLE",
    "INITS",
    "Cost",
    "Site",
    "Survey",
    "Widening",
    "fold",
    "host_cost",
    "plan_cost",
    "relax",
    "require_buildable",
    "site_cost",
    "sites",
    "survey",
    "why_not_buildable",
]
