"""Hosts, sites and the networks that plans make of them; torch is all this needs."""

from .costs import Cost, host_cost, plan_cost, site_cost
from .realise import BUILDABLE, INITS, buildable, require_buildable
from .replace import relax
from .sites import Site, Survey, sites, survey


__all__ = [
    "BUILDABLE",
    "INITS",
    "Cost",
    "Site",
    "Survey",
    "buildable",
    "host_cost",
    "plan_cost",
    "relax",
    "require_buildable",
    "site_cost",
    "sites",
    "survey",
]
