"""What the engine needs of a task, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from ..config import Metric
from ..layers.samples import Sample
from ..networks import Cost
from .circumstances import Circumstance
from .latency import Latency
from .run_handle import RunHandle

__all__ = ["Rebuild", "Split", "TaskProtocol"]

Split = Literal["search", "confirm", "test"]
"""Samples that are scored: by the search, by the confirmation, and once at the end."""


@dataclass(frozen=True)
class Rebuild:
    """What makes a trained network usable without its study.

    Attributes:
        source: a Python file that rebuilds the network from its plan and its weights.
        facts: what that file reads besides the plan, as plain JSON values.
        check: some inputs and what the network gives for them, by name.
    """

    source: str
    facts: Mapping[str, Any]
    check: Mapping[str, Tensor]


class TaskProtocol(Protocol):
    """How a host is made, and how a network is trained and scored.

    It is made in every process that works on a study, from the study's configuration alone, and must be the same in
    each. The engine never looks at a sample: it hands networks in and takes numbers out.
    """

    @property
    def metric(self) -> Metric:
        """What `score`, and the value of each epoch, is."""

    @property
    def sample(self) -> Sample:
        """What the host takes, a batch; its values do not count."""

    @property
    def epochs(self) -> int | None:
        """How many epochs a run has; None if only its training knows."""

    @property
    def init(self) -> str:
        """How relaxed layers start: ``paper`` or ``host``."""

    @property
    def trained(self) -> bool:
        """Whether the host brings weights of an earlier training, which a study must not resume without."""

    @property
    def data_fingerprint(self) -> str:
        """A digest of the data and of which sample is in which split; a study does not resume with another one."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the report tells of data and training, as plain JSON values.

        Under ``splits`` stands the number of samples of each split, if there is such a number.
        """

    @property
    def circumstances(self) -> Mapping[str, Circumstance]:
        """Name of each other circumstance under which its claims can be challenged; empty without any."""

    def host(self, seed: int) -> nn.Module:
        """Make the untouched host, with initial weights that depend on the seed alone.

        Raises:
            InputError: if it cannot be made.
        """

    def require_trainable(self, host: nn.Module) -> None:
        """Refuse a host that can be made, but not be trained; it is in training mode.

        Raises:
            InputError: saying what training needs and what came.
        """

    def training_bytes(self, cost: Cost) -> int:
        """An estimate of the memory that the training of a network takes."""

    def train(self, network: nn.Module, run: RunHandle) -> None:
        """Train a network in place, and tell `run` the result of each epoch, from 0 on and in order.

        An interrupted run tells again what its checkpoint holds, without training it again. The checkpoint of the
        last epoch has the network's weights under ``network``. What `run` raises is to pass through.

        Args:
            network: as the host with its relaxed layers was made, on the CPU.
            run: seed, device, split to score, checkpoints, and whether to stop.

        Raises:
            DivergedError: if a number that must be finite is not; the run is pruned.
            TrainingStoppedError: if the run is asked to stop; it is taken up again later.
        """

    def score(self, network: nn.Module, split: Split, device: torch.device | str) -> float:
        """Measure a trained network; the network is moved to the device."""

    def require_test(self) -> None:
        """Refuse to open the test split where nothing could be scored on it.

        Raises:
            InputError: saying what is missing.
        """

    def latency(self, network: nn.Module, device: torch.device | str) -> Latency:
        """Measure a step of the training of a network; the network is moved to the device."""

    def rebuild(self, network: nn.Module) -> Rebuild:
        """What an export needs besides plan and weights of a trained network."""
