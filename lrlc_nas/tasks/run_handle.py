"""A run as the task sees that trains it: what it needs to know, where its state is kept, and whether to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from ..errors import CheckpointError, DivergedError, InputError, TrainingStoppedError
from ..runs import Checkpoints, EpochResult

__all__ = ["RunHandle"]


@dataclass
class RunHandle:
    """One run under way.

    Attributes:
        seed: of whatever is random in it.
        device: where to train.
        split: which samples its epochs are scored on.
        checkpoints: where its state is kept; None where nothing is.
        should_stop: asked between steps.
        reported: the results of all epochs so far, those of interrupted attempts included.
    """

    seed: int
    device: torch.device
    split: Literal["search", "confirm"] = "search"
    checkpoints: Checkpoints | None = None
    should_stop: Callable[[], bool] = lambda: False
    reported: list[EpochResult] = field(default_factory=list, init=False)
    _began: float = field(default_factory=time.perf_counter, init=False)

    @property
    def next_epoch(self) -> int:
        """The epoch to train now, from 0."""
        return len(self.reported)

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last, on the CPU; None for a run that begins.

        `reported` and `next_epoch` stand where that state does.

        Raises:
            CheckpointError: if it is of another seed, or was not saved by `save`.
        """
        if self.checkpoints is None:
            return None
        self.checkpoints.clean()
        saved = self.checkpoints.load_newest()
        if saved is not None:
            if saved.get("seed") != self.seed or "reported" not in saved:
                raise CheckpointError(
                    f"a checkpoint in {self.checkpoints.folder} must have seed {self.seed}, but has {saved.get('seed')}"
                )
            self.reported = [EpochResult.from_dict(values) for values in saved["reported"]]
        self.checkpoints.warn_of_lost(len(self.reported))
        self._began = time.perf_counter()
        return saved

    def require_going(self) -> None:
        """Raise `TrainingStoppedError` if the run is asked to stop; to be called between steps."""
        if self.should_stop():
            raise TrainingStoppedError(f"stopped in epoch {self.next_epoch}")

    def save(self, value: float, state: Mapping[str, Any], **scores: float) -> EpochResult:
        """End an epoch: write its checkpoint and give its result, which `Task.train` yields.

        Args:
            value: the task's metric, on the split of the run.
            state: all that resuming needs, tensors and plain values; the network's weights under ``network``.
            scores: any other numbers, by name.

        Raises:
            DivergedError: if the value is not finite; the epoch has no checkpoint then.
            InputError: if the state has no weights of the network.
        """
        epoch = self.next_epoch
        if not math.isfinite(value):
            raise DivergedError(f"epoch {epoch}: the value is {value}")
        if "network" not in state:
            raise InputError("the state of a run must have the network's weights under 'network'")
        seconds = time.perf_counter() - self._began
        numbers = {name: float(number) for name, number in scores.items()}
        self.reported.append(EpochResult(epoch, float(value), seconds, numbers))
        if self.checkpoints is not None:
            told = [result.to_dict() for result in self.reported]
            self.checkpoints.save(epoch, {**state, "seed": self.seed, "reported": told})
        self._began = time.perf_counter()
        return self.reported[-1]
