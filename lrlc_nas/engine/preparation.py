"""All that a study needs before its first run: images, splits, sites, space, costs and fingerprints."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..choices import Plan
from ..data import ImageSet, Splits, Subset, load_images, split
from ..errors import InputError
from ..layers import use_computation
from ..networks import Cost, Survey, host_cost, plan_cost, relax, survey
from ..networks.hosts import build_host
from ..runs import stream_seed
from ..search.config import StudyConfig
from ..search.space import Space, build_space, over_limits
from ..store import SiteRecord
from .preflight import require_fitting, require_trainable, within_memory
from .software import sources, versions


__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A configuration made concrete.

    Attributes:
        config: what the user wrote.
        images: the set, all of it.
        splits: train, search, confirm and test.
        survey: the sites of the host, and the convolutions that are none.
        host: cost of the untouched host.
        space: what the search may choose.
        host_fingerprint: SHA-256 of the host's modules, parameter shapes and sites.
        data_fingerprint: SHA-256 of pixels, labels and which image went where.
    """

    config: StudyConfig
    images: ImageSet
    splits: Splits
    survey: Survey
    host: Cost
    space: Space
    host_fingerprint: str
    data_fingerprint: str

    @property
    def sample(self) -> Tensor:
        """An image of zeros, (1, C, H, W): as much as shapes need."""
        return torch.zeros(1, *self.images.images.shape[1:])

    @property
    def scored(self) -> Subset:
        """The images that runs are measured on: search images, or those that the search never saw."""
        return self.splits.search if self.config.confirmation is None else self.splits.confirm

    def network(self, plan: Plan, seed: int) -> nn.Module:
        """Build the network of a plan.

        The host's initialisation is a function of the seed alone, that of a relaxed layer of the seed and its
        site, so that a relaxation changes no other layer.
        """
        network = _host(self.config, self.images, stream_seed(seed, "init"))
        recipe = self.config.recipe
        network = relax(network, plan, self.sample, init=recipe.init, seed=stream_seed(seed, "relax"))
        use_computation(network, recipe.path)
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
        return over_limits(self.config.space, self.host, self.cost(plan), self.config.recipe)

    @property
    def site_records(self) -> list[SiteRecord]:
        """The sites as the store keeps them."""
        return [SiteRecord(name, asdict(site)) for name, site in self.survey.sites.items()]

    @property
    def facts(self) -> dict[str, Any]:
        """What the report tells besides."""
        splits = self.splits
        parts = ("train", "search", "confirm", "test")
        return {
            "versions": versions(),
            "sources": sources(self.config),
            "host": asdict(self.host),
            "splits": {part: len(getattr(splits, part)) for part in parts},
            "split_digest": splits.digest,
            "classes": list(self.images.classes),
            "image_shape": list(self.images.images.shape[1:]),
            "mean": list(splits.mean),
            "std": list(splits.std),
            "recipe_digest": self.config.recipe.digest,
        }


def prepare(config: StudyConfig) -> Prepared:
    """Load the images, build the host, find its sites and lay out the space. Writes nothing.

    Raises:
        InputError: whatever is wrong with the images, the host, the space, or their fit.
    """
    with within_memory("data.size"):
        images = load_images(
            config.data.name,
            root=config.data.root,
            download=config.data.download,
            size=config.data.size,
            options=config.data.options,
        )
    splits = split(images, config.data.split_spec)
    require_fitting(config, images, splits)
    with within_memory("host.options"):
        host = _host(config, images, stream_seed(config.seed, "init"))
    sample = torch.zeros(1, *images.images.shape[1:])
    found = survey(host, sample)
    if not found.sites:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.refused.items())
        raise InputError(f"host {config.host.name!r} has no convolution that can be relaxed. {reasons}")
    cost = host_cost(host, sample)
    fingerprint = _host_fingerprint(host, found)
    require_trainable(config.host.name, host.train(), sample, len(images.classes))
    return Prepared(
        config=config,
        images=images,
        splits=splits,
        survey=found,
        host=cost,
        space=build_space(config.space, found, cost, config.recipe),
        host_fingerprint=fingerprint,
        data_fingerprint=_sha256([images.fingerprint, splits.digest]),
    )


def _host(config: StudyConfig, images: ImageSet, seed: int) -> nn.Module:
    _, channels, height, width = images.images.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_host(
            config.host.name,
            channels=channels,
            classes=len(images.classes),
            size=(height, width),
            options=config.host.options,
        )


def _host_fingerprint(host: nn.Module, found: Survey) -> str:
    modules = [(name, type(module).__qualname__) for name, module in host.named_modules()]
    tensors = [(name, list(value.shape), str(value.dtype)) for name, value in host.state_dict().items()]
    return _sha256([modules, tensors, [asdict(site) for site in found.sites.values()]])


def _sha256(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
