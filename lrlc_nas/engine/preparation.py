"""All that a study needs before its first run: task, host, sites, space, costs and fingerprints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from ..choices import Plan
from ..config import StudyConfig
from ..errors import InputError
from ..layers import use_computation
from ..networks import Cost, Survey, host_cost, plan_cost, relax, survey
from ..runs import stream_seed, within_memory
from ..search.space import Space, build_space, over_limits
from ..store import SiteRecord
from ..tasks import Latency, TaskProtocol, how_layers_start, task_of

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A configuration made concrete.

    Attributes:
        config: what the user wrote.
        task: how the host is made, trained and scored.
        survey: the sites of the host, and the convolutions that are none.
        host: cost of the untouched host.
        space: what the search may choose.
        host_fingerprint: SHA-256 of the host's modules, parameter shapes and sites, and of its values if it is trained.
    """

    config: StudyConfig
    task: TaskProtocol
    survey: Survey
    host: Cost
    space: Space
    host_fingerprint: str

    @property
    def data_fingerprint(self) -> str:
        """SHA-256 of the data and of what is in which split."""
        return self.task.data_fingerprint

    @property
    def split(self) -> Literal["search", "confirm"]:
        """What runs are scored on: search samples, or those that the search never saw."""
        return "search" if self.config.confirmation is None else "confirm"

    def network(self, plan: Plan, seed: int) -> nn.Module:
        """Build the network of a plan.

        The host's initialisation is a function of the seed alone, that of a relaxed layer of the seed and its
        site, so that a relaxation changes no other layer.
        """
        host = self.task.host(stream_seed(seed, "init"))
        network = relax(host, plan, self.task.sample, init=self.task.init, seed=stream_seed(seed, "relax"))
        use_computation(network, self.config.recipe.path)
        return network

    def cost(self, plan: Plan) -> Cost:
        """Parameters, MACs and activations of the network of a plan."""
        return plan_cost(self.host, self.survey, plan)

    def excess(self, plan: Plan) -> str:
        """Why a plan cannot be afforded as a whole, though each of its choices can; empty if it can.

        The plans of a confirmation were asked for, each by name.
        """
        if self.config.confirmation is not None:
            return ""
        return over_limits(self.config.space, self.host, self.cost(plan), self.task.training_bytes)

    def latencies(self, plans: Iterable[Plan], device: torch.device | str) -> dict[Plan, Latency]:
        """Measure a step of training of each plan, one network after the other."""
        return {plan: self.task.latency(self.network(plan, seed=0), device) for plan in plans}

    @property
    def site_records(self) -> list[SiteRecord]:
        """The sites as the store keeps them."""
        return [SiteRecord(name, asdict(site)) for name, site in self.survey.sites.items()]

    @property
    def facts(self) -> dict[str, Any]:
        """What the report tells besides."""
        task = self.task
        return {"host": asdict(self.host), "metric": task.metric.to_dict(), **self._start, **task.facts}

    @property
    def _start(self) -> dict[str, Any]:
        start = how_layers_start(self.task.init, self.task.trained)
        return {"epochs": self.task.epochs, "trained": self.task.trained, "start": start}


def prepare(config: StudyConfig) -> Prepared:
    """Make the task and its host, find the sites and lay out the space. Writes nothing.

    Raises:
        InputError: whatever is wrong with the task, its data, the host, the space, or their fit.
    """
    task = task_of(config)
    with within_memory("host.options"):
        host = task.host(stream_seed(config.seed, "init"))
    found = survey(host, task.sample)
    if not found.sites:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.refused.items())
        raise InputError(f"host {config.host_name!r} has no convolution that can be relaxed. {reasons}")
    cost = host_cost(host, task.sample)
    fingerprint = _host_fingerprint(host, found, values=task.trained)
    task.require_trainable(host.train())
    return Prepared(
        config=config,
        task=task,
        survey=found,
        host=cost,
        space=build_space(config.space, found, cost, task.training_bytes),
        host_fingerprint=fingerprint,
    )


def _host_fingerprint(host: nn.Module, found: Survey, *, values: bool) -> str:
    """Of its modules, shapes and sites; of its values too where they come from an earlier training."""
    modules = [(name, type(module).__qualname__) for name, module in host.named_modules()]
    tensors = [(name, list(value.shape), str(value.dtype)) for name, value in host.state_dict().items()]
    text = json.dumps([modules, tensors, [asdict(site) for site in found.sites.values()]], sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for value in host.state_dict().values() if values else ():
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
