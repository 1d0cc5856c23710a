"""The network of one trial of the user's own Optuna study: each site is a categorical parameter, tokens its values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from optuna.trial import BaseTrial
from torch import nn

from ..choices import Plan
from ..config import SpaceSection
from ..errors import InputError
from ..layers import tune
from ..layers.samples import Sample, batch_size
from ..networks import host_cost, plan_cost, relax, survey
from .space import build_space
from .trial_facts import FACTS

__all__ = ["suggest"]


def suggest(
    trial: BaseTrial,
    host: nn.Module,
    sample: Sample,
    choices: Iterable[str] = ("lrlc-2", "lrlc-4", "lc"),
    *,
    init: str = "paper",
    seed: int | None = None,
    **space: Any,
) -> nn.Module:
    """Ask a trial for one choice at each site of a host, and make the network of that plan.

    Each site is one categorical parameter, named as the site, with choice tokens as its values. Other parameters of the
    trial may stand beside them. What the evidence needs later (space, geometry of the sites, parameters, MACs, seed,
    version) is left on the trial as one user attribute, `FACTS`.

    Args:
        trial: a running, fixed or frozen trial of Optuna.
        host: the network to relax; it is left as it is.
        sample: a batch of inputs: a tensor (B, …), a tuple of several arguments, a dict of named ones, or such within
            each other; it decides the size of the relaxed layers.
        choices: tokens besides ``conv``; one that cannot be built or afforded at a site is left out there.
        init: ``paper`` for a host that is to be trained from scratch; ``host`` for one that is trained already, so that
            the network begins as the host's function.
        seed: of the relaxed layers; the number of the trial, if none is given.
        **space: further keys of the section ``space`` of a study file: `sites`, `exclude`, `max_parameters`,
            `max_memory`.

    Returns:
        A plain module on the host's device, in the host's mode.

    Raises:
        InputError: if the host has no site, a token or pattern is wrong, or nothing is left to choose.
    """
    found = survey(host, sample)
    if not found.sites:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.refused.items()) or "it has no Conv2d"
        raise InputError(f"the host has no convolution that can be relaxed: {reasons}")
    cost = host_cost(host, sample)
    section = SpaceSection(choices=tuple(choices), **space)
    laid_out = build_space(section, found, cost, lambda total: total.training_bytes(batch_size(sample)))
    seed = trial.number if seed is None else seed
    facts = {
        "space": laid_out.tokens,
        "left_out": laid_out.left_out,
        "sites": {name: asdict(found.sites[name]) for name in laid_out.tokens},
        "host": asdict(cost),
        "seed": seed,
        "init": init,
        "version": version("lrlc_nas"),
    }
    trial.set_user_attr(FACTS, facts)  # before the first question, because the block needs to know all sites
    chosen = {site: trial.suggest_categorical(site, tokens) for site, tokens in laid_out.tokens.items()}
    plan = Plan.of(chosen)
    total = plan_cost(cost, found, plan)
    trial.set_user_attr(FACTS, facts | {"parameters": total.parameters, "macs": total.macs})
    network = relax(host, plan, sample, init=init, seed=seed)
    tune(network, sample)
    return network
