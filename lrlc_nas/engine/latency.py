"""How long a training step of a network takes on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..choices import Plan
from ..training.placement import Placement
from .preparation import Prepared


__all__ = ["Latency", "training_latencies"]

_ROUNDS = 5


@dataclass(frozen=True)
class Latency:
    """A measured time.

    Attributes:
        seconds: median of one step of training, forward and backward, without the optimiser.
        spread: from the fastest to the slowest of the rounds, in seconds.
        batch: images in the step.
        device: its name, with the number of threads on the CPU.
    """

    seconds: float
    spread: float
    batch: int
    device: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, of which `Latency(**…)` makes an equal record."""
        return asdict(self)


def training_latencies(
    prepared: Prepared, plans: Sequence[Plan], device: torch.device | str
) -> dict[Plan, Latency]:
    """Measure one step of training of each plan, one network after the other."""
    recipe, splits = prepared.config.recipe, prepared.splits
    placement = Placement.of(
        device,
        mean=splits.mean,
        std=splits.std,
        precision=recipe.precision,
        channels_last=recipe.channels_last,
    )
    images = splits.train.images[: recipe.batch_size].to(placement.device)
    labels = splits.train.labels[: recipe.batch_size].to(placement.device)
    return {plan: _latency(prepared.network(plan, seed=0), placement, images, labels) for plan in plans}


def _latency(network: nn.Module, placement: Placement, images: Tensor, labels: Tensor) -> Latency:
    placement.place(network)
    placement.tune(network, images)
    network.train()
    # The first call allocates and compiles.
    seconds = [_step(network, placement, images, labels) for _ in range(_ROUNDS + 1)][1:]
    spread = max(seconds) - min(seconds)
    return Latency(statistics.median(seconds), spread, len(images), _name(placement.device))


def _step(network: nn.Module, placement: Placement, images: Tensor, labels: Tensor) -> float:
    _wait(placement.device)
    start = time.perf_counter()
    with placement.autocast():
        loss = F.cross_entropy(network(placement.normalise(images)), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    _wait(placement.device)
    network.zero_grad(set_to_none=True)
    return time.perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"
