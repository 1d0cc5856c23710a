"""The task that an own `Task` is to the engine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..config import Metric
from ..errors import InputError
from ..layers import random_state, tune
from ..layers.samples import Sample, batch_size, call, mapped, shown, tensors
from ..networks import Cost
from ..runs.random_numbers import seeded
from .circumstances import Circumstance
from .latency import Latency, time_step
from .own import Task
from .own_rebuilding import NETWORK_PY
from .run_handle import RunHandle
from .task import Rebuild, Split
from .weights import load_weights

__all__ = ["OwnTraining"]

_STATE_COPIES = 4
"""How often a parameter is held: itself, its gradient, and two moments, as with Adam."""


@dataclass(frozen=True, eq=False)
class OwnTraining:
    """A task of the user's, and the name that workers find it by."""

    task: Task
    reference: str

    @property
    def metric(self) -> Metric:
        """The task's."""
        return self.task.metric

    @property
    def sample(self) -> Sample:
        """The task's."""
        return self.task.sample

    @property
    def epochs(self) -> int | None:
        """The task's."""
        return self.task.epochs

    @property
    def init(self) -> str:
        """The task's."""
        return self.task.init

    @property
    def trained(self) -> bool:
        """Whether the task names weights, or starts as a host that it has given weights itself."""
        return bool(self.task.weights) or self.task.init == "host"

    @property
    def data_fingerprint(self) -> str:
        """SHA-256 of what the task says of its data."""
        return hashlib.sha256(self.task.data.encode()).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        """Sizes of the splits, as far as they are told."""
        return {"splits": dict(self.task.splits), "sample": shown(self.task.sample)}

    @property
    def circumstances(self) -> dict[str, Circumstance]:
        """Those of the task, whose options its training gets."""
        return {
            name: Circumstance.of(shown_options(options), {"task": {"options": dict(options)}})
            for name, options in self.task.challenges.items()
        }

    def host(self, seed: int) -> nn.Module:
        """What the function `host` makes with its random numbers seeded."""
        with seeded(seed, torch.device("cpu")):
            try:
                host = self.task.host()
            except InputError:
                raise
            except Exception as error:  # the function is the user's
                raise InputError(f"task {self.reference!r}: host() failed: {type(error).__name__}: {error}") from error
        if not isinstance(host, nn.Module):
            raise InputError(
                f"task {self.reference!r}: host() must give a torch.nn.Module, but gave a {type(host).__name__}"
            )
        return load_weights(host, self.task.weights) if self.task.weights else host

    def require_trainable(self, host: nn.Module) -> None:
        """Refuse a host without a parameter to train, or that does not run in training mode."""
        if not any(parameter.requires_grad for parameter in host.parameters()):
            raise InputError(f"task {self.reference!r}: no parameter of the host can be trained")
        with random_state(), torch.no_grad():
            try:
                call(host, mapped(_twice, self.sample))
            except Exception as error:
                raise InputError(
                    f"task {self.reference!r}: the host does not run in training mode on its sample, twice: "
                    f"{type(error).__name__}: {error}"
                ) from error

    def training_bytes(self, cost: Cost) -> int:
        """For batches of the sample's size."""
        return cost.training_bytes(batch_size(self.sample), _STATE_COPIES)

    def train(self, network: nn.Module, run: RunHandle) -> None:
        """Call the function `train`, with the network on the run's device and random numbers of the run's seed."""
        with seeded(run.seed, run.device):
            network.to(run.device)
            tune(network, self._sample_on(run.device))
            run.train(network.train(), self.task.train)

    def score(self, network: nn.Module, split: Split, device: torch.device | str) -> float:
        """What the function `score` gives; without gradients, in evaluation mode."""
        self.require_test()
        assert self.task.score is not None
        with torch.no_grad(), seeded(0, torch.device(device)):
            value: object = self.task.score(network.to(device).eval(), split)
        try:
            number = float(cast(float, value))
        except (TypeError, ValueError, RuntimeError):
            number = math.nan
        if not math.isfinite(number):
            raise InputError(f"task {self.reference!r}: score() must give a finite number, but gave {value!r:.60}")
        return number

    def require_test(self) -> None:
        """Refuse a task without a function `score`."""
        if self.task.score is None:
            raise InputError(f"task {self.reference!r} has no function score; the test split cannot be opened")

    def latency(self, network: nn.Module, device: torch.device | str) -> Latency:
        """A pass of the sample, forward and backward, whatever the loss."""
        device = torch.device(device)
        network = network.to(device).train()
        sample = self._sample_on(device)

        def step() -> None:
            torch.autograd.backward([each.sum() for each in _floats(call(network, sample)) if each.requires_grad])
            network.zero_grad(set_to_none=True)

        with random_state(device=device):
            return time_step(step, batch_size(sample), device)

    def rebuild(self, network: nn.Module) -> Rebuild:
        """A file that imports the task anew, and what the network gives for its sample."""
        with torch.no_grad(), random_state(0):
            outputs = _floats(call(network.eval(), self.sample))
        check = {f"output_{index}": each.contiguous() for index, each in enumerate(outputs)}
        return Rebuild(NETWORK_PY, {"task": self.reference}, check)

    def _sample_on(self, device: torch.device) -> Sample:
        return mapped(lambda tensor: tensor.to(device), self.sample)


def shown_options(options: Mapping[str, Any]) -> str:
    """Options in words: ``epochs = 60, rate = 0.1``."""
    return ", ".join(f"{name} = {value}" for name, value in options.items()) or "no options"


def _twice(tensor: Tensor) -> Tensor:
    return torch.cat([tensor, tensor]) if tensor.dim() else tensor


def _floats(outputs: Any) -> list[Tensor]:
    """The tensors of floating-point numbers in what a network gives."""
    return [each for each in tensors(outputs) if each.is_floating_point()]
