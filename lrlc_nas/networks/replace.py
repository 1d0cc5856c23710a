"""Relaxing a host: a copy of it with other layers at the sites that a plan names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from torch import nn

from ..choices import Plan
from ..errors import InputError
from ..layers import random_state
from ..layers.samples import Sample
from .build import INITS, build, require_buildable
from .passes import copied
from .sites import Survey, survey
from .widening import widen

__all__ = ["relax"]


def relax(
    host: nn.Module, plan: Plan | Mapping[str, str], sample: Sample, *, init: str = "host", seed: int | None = None
) -> nn.Module:
    """Make the network that a plan describes: a copy of the host with relaxed layers under all the names of each site.

    Args:
        host: the network to relax; it is left as it is.
        plan: a plan, or site name to choice token; sites that it does not name stay as they are.
        sample: a batch of inputs (`lrlc_nas.layers.samples`); their size decides the size of the relaxed layers.
        init: ``host``, so that the network computes what the host computes, or ``paper``, so that relaxed
            layers start from their own initialisation.
        seed: if given, every relaxed layer draws from a stream of its own, made from the seed and the name
            of its site: relaxing one site more changes no other (but for what reads a site that the host
            widens), and the global random numbers are left alone. Without a seed the layers draw from the
            global generator of torch, one after the other.

    Raises:
        InputError: if the plan names something that is not a site, or a choice that cannot be built there; if
            the host cannot be copied or does not run on the sample.
    """
    if init not in INITS:
        raise InputError(f"init must be one of {', '.join(INITS)}, but is {init!r}")
    found = survey(host, sample)
    plan = _checked(plan, found)
    candidate = copied(host)
    _widen(candidate, plan, found, init, seed)
    for name, choice in plan:
        if found.widening(name, choice) is not None:
            continue
        site = found.sites[name]
        conv = cast(nn.Conv2d, candidate.get_submodule(name))  # a site is nothing else
        with _stream(seed, name):
            layer = build(conv, site, choice, init)
        for place in (name, *site.aliases):
            candidate.set_submodule(place, layer)
    return candidate


def _checked(plan: Plan | Mapping[str, str], found: Survey) -> Plan:
    names: Iterable[str] = plan.tokens if isinstance(plan, Plan) else plan
    plan = plan if isinstance(plan, Plan) else Plan.of(plan)
    first = {alias: site.name for site in found.sites.values() for alias in site.aliases}
    for name in names:
        if name in first:
            raise InputError(f"{name!r} is another name of the site {first[name]!r}; use that one")
        if name not in found.sites and name not in found.refused:
            raise InputError(f"unknown site {name!r}; the sites are {', '.join(found.sites) or '(none)'}")
    for name, choice in plan:
        if name in found.refused:
            raise InputError(f"{name!r} cannot be relaxed to {choice}: {found.refused[name]}")
        require_buildable(found, name, choice)
    return plan


def _widen(candidate: nn.Module, plan: Plan, found: Survey, init: str, seed: int | None) -> None:
    """Widen what the host itself widens, before layers are replaced: the next one may read what is wider."""
    for name in found.sites:
        choice = plan.at(name)
        widening = found.widening(name, choice)
        if widening is not None:
            with _stream(seed, name):
                widen(candidate, name, widening, choice.rank, init)


@contextmanager
def _stream(seed: int | None, name: str) -> Iterator[None]:
    """Draw from a stream of the site's own, if there is a seed."""
    if seed is None:
        yield
        return
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    with random_state(int.from_bytes(digest[:8], "big")):  # layers draw on the CPU alone
        yield
