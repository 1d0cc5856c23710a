"""A run as the task sees that trains it: what it is told, what it tells, and where its state is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from torch import nn

from ..errors import CheckpointError, DivergedError, InputError, TrainingStoppedError
from ..runs import Checkpoints, EpochResult
from ..runs.items import pack_items
from ..runs.random_numbers import restore_random_numbers, saved_random_numbers
from ..runs.results import history_to_dicts
from .plain_state import require_plain

__all__ = ["RunHandle"]


@dataclass
class RunHandle:
    """One run under way. Each epoch is reported, then the state after it saved, if it is to be resumed from there.

    It stands where Optuna's integrations expect a trial: `report`, `should_prune`, `number`, `params`, `set_user_attr`.

    Attributes:
        seed: of whatever is random in it.
        device: where to train.
        split: which samples its epochs are scored on, ``search`` or ``confirm``.
        number: of the run in its study.
        params: site to token.
        options: those of the circumstance under which a claim is challenged, see `Task.challenges`; empty otherwise.
        checkpoints: where its state is kept; None where nothing is.
        listener: told each epoch; what it raises ends the run.
        reported: the results of all epochs so far, those of interrupted attempts included.
        user_attrs: what `set_user_attr` was given.
    """

    seed: int
    device: torch.device
    split: Literal["search", "confirm"] = "search"
    checkpoints: Checkpoints | None = None
    asked_to_stop: Callable[[], bool] = lambda: False
    listener: Callable[[EpochResult], None] = lambda result: None
    number: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    reported: list[EpochResult] = field(default_factory=list, init=False)
    user_attrs: dict[str, Any] = field(default_factory=dict, init=False)
    _network: nn.Module | None = field(default=None, init=False)
    _saved: int = field(default=0, init=False)
    _stopping: bool = field(default=False, init=False)
    _ended_by: BaseException | None = field(default=None, init=False)
    _began: float = field(default_factory=time.perf_counter, init=False)

    @property
    def next_epoch(self) -> int:
        """The epoch to train now, from 0."""
        return len(self.reported)

    def report(
        self,
        epoch: float | None = None,
        value: float | None = None,
        *,
        step: int | None = None,
        items: Any = None,
        **scores: float,
    ) -> None:
        """Record the metric after an epoch; ``report(value, step=epoch)`` is the same in Optuna's words.

        Args:
            epoch: `next_epoch`: epochs are reported one by one, from 0.
            value: the task's metric on the samples of `split`.
            step: the epoch, where the value comes first.
            items: the metric of each sample of `split` by itself, in the order of the split: a tensor, an array or a
                list (samples,). Intervals then count the samples too; those of the last epoch are kept.
            scores: any other numbers of the epoch, by name.

        Raises:
            InputError: if it is another epoch's turn, or something is no number.
            DivergedError: if the value is not finite; the run is pruned.
            TrainingStoppedError: if the run was asked to stop, and does not save its state.
            Exception: whatever ends the run, for example that it is pruned; it is to pass through.
        """
        self._require_going()
        if step is not None:
            epoch, value = step, epoch if value is None else value
        self._require_turn(epoch)
        number = _number("value", value)
        if not math.isfinite(number):
            raise self._ending(DivergedError(f"epoch {self.next_epoch}: the value is {number}"))
        if self.next_epoch > self._saved and self.should_stop():
            raise self._ending(TrainingStoppedError(f"stopped in epoch {self.next_epoch}"))
        seconds = time.perf_counter() - self._began
        others = {name: _number(name, score) for name, score in scores.items()}
        try:
            packed = "" if items is None else pack_items(items)
        except InputError as error:
            raise InputError(f"run.report: {error}") from None
        self.tell(EpochResult(self.next_epoch, number, seconds, others, packed))
        self._began = time.perf_counter()

    def save(self, state: Mapping[str, Any] | None = None) -> None:
        """Write a checkpoint of the epoch that was reported last: the network's weights, and whatever else is given.

        The global random numbers of torch, NumPy and Python are saved too.

        Args:
            state: what resuming needs besides, such as the optimizer's ``state_dict()``: tensors and plain values in
                dicts, lists and tuples.

        Raises:
            InputError: if no epoch was reported since the last one was saved, or the state holds anything else.
            TrainingStoppedError: if the run was asked to stop; what was saved stands.
            DiskError: if the disk is full.
        """
        self._require_going()
        if self.next_epoch == self._saved:
            raise InputError(f"run.save: report epoch {self.next_epoch} first; the state is the one after it")
        require_plain(state or {}, "run.save: state")
        self._write(dict(state or {}), final=False)
        if self.should_stop():
            raise self._ending(TrainingStoppedError(f"stopped after epoch {self.next_epoch - 1}"))
        self._began = time.perf_counter()

    def load(self) -> dict[str, Any] | None:
        """The state that was saved last; None for a run that begins.

        The network has its weights again, on its device, and the random numbers go on from where they stood: call it
        just before the first epoch. `next_epoch` is the one after that state.

        Raises:
            InputError: if an epoch was reported before.
            CheckpointError: if the state is of another seed, or was not saved by `save`.
        """
        self._require_going()
        if self.reported:
            raise InputError("run.load: it comes before the first epoch is reported")
        saved = self._newest
        if saved is None or saved["final"]:
            return None
        self._take_up(saved)
        state: dict[str, Any] = saved["state"]
        return state

    def should_stop(self) -> bool:
        """Whether to end soon: return or raise, and the run is taken up again from what was saved last."""
        self._stopping = self._stopping or self.asked_to_stop()
        return self._stopping

    def should_prune(self) -> bool:
        """Whether the run is over; `report` has raised then."""
        return self._ended_by is not None

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keep a fact of the run by name; plain values of JSON."""
        self.user_attrs[key] = value

    def tell(self, result: EpochResult) -> None:
        """Pass the result of an epoch on, and raise what ends the run."""
        self.reported.append(result)
        try:
            self.listener(result)
        except BaseException as error:
            raise self._ending(error) from None

    def train(self, network: nn.Module, function: Callable[[nn.Module, RunHandle], object]) -> None:
        """Let a function of the user's train a network, and see that all it reported is saved at its end.

        Raises:
            InputError: if it reported nothing.
            Exception: whatever has ended the run, even if the function has swallowed it, and whatever it raises.
        """
        self._network = network
        saved = self._newest
        if saved is not None and saved["final"]:
            self._take_up(saved)
            return
        self._began = time.perf_counter()
        function(network, self)
        self._require_going()
        if self._stopping:
            raise TrainingStoppedError(f"stopped in epoch {self.next_epoch}")
        if not self.reported:
            raise InputError("the training ended without run.report: no epoch has a value")
        if self.next_epoch > self._saved:
            self._write({}, final=True)

    def _require_going(self) -> None:
        if self._ended_by is not None:
            raise self._ended_by

    def _ending(self, error: BaseException) -> BaseException:
        self._ended_by = error
        return error

    def _require_turn(self, epoch: object) -> None:
        if isinstance(epoch, bool) or not isinstance(epoch, int):
            raise InputError(f"run.report: the epoch must be a whole number, but is {epoch!r}")
        if epoch != self.next_epoch:
            why = "was reported already" if epoch < self.next_epoch else "comes too early"
            raise InputError(
                f"run.report: epoch {epoch} {why}; epochs are reported one by one, and the next is {self.next_epoch}"
            )

    @cached_property
    def _newest(self) -> dict[str, Any] | None:
        if self.checkpoints is None:
            return None
        self.checkpoints.clean()
        saved = self.checkpoints.load_newest()
        if saved is not None and (saved.get("seed") != self.seed or "final" not in saved):
            raise CheckpointError(
                f"a checkpoint in {self.checkpoints.folder} must have seed {self.seed}, but has {saved.get('seed')}"
            )
        self.checkpoints.warn_of_lost(0 if saved is None else len(saved["reported"]))
        return saved

    def _take_up(self, saved: Mapping[str, Any]) -> None:
        assert self._network is not None
        self._network.load_state_dict(saved["network"])
        for values in saved["reported"]:
            self.tell(EpochResult.from_dict(values))
        self._saved = self.next_epoch
        del self._newest  # it may be large
        restore_random_numbers(saved["random"])
        self._began = time.perf_counter()

    def _write(self, state: dict[str, Any], *, final: bool) -> None:
        assert self._network is not None
        self._saved = self.next_epoch
        if self.checkpoints is not None:
            told = history_to_dicts(self.reported)
            saved = {"seed": self.seed, "reported": told, "final": final, "state": state}
            weights = {"network": self._network.state_dict(), "random": saved_random_numbers(self.device)}
            self.checkpoints.save(self.next_epoch - 1, saved | weights)


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"run.report: {name} must be a number, but is a {type(value).__name__}") from None
