"""Out of memory, simulated: the candidate is pruned, and the same process goes on with the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from lrlc_nas.choices import Plan
from lrlc_nas.engine import Worker, open_study
from lrlc_nas.engine.preparation import Prepared
from lrlc_nas.facts import EndCause

from .lives import begin, end, spawn
from .places import opened_store, store_in
from .promises import broken
from .toy import NAME, toy_config

__all__ = ["MOMENTS", "Shortage", "run_out_of_memory"]

_TRIALS, _EPOCHS = 6, 2


@dataclass(frozen=True)
class Shortage:
    """A study some of whose candidates were too big.

    Attributes:
        happened: candidates that ran out of memory.
        processes: that trained, by their own account.
        broken: promises that do not hold.
    """

    happened: int
    processes: int
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether one process pruned them all and did the rest as well."""
        return self.processes == 1 and not self.broken


def run_out_of_memory(folder: Path, moment: str) -> Shortage:
    """Let every other candidate run out of memory.

    Args:
        folder: that a place has furnished.
        moment: when; one of `MOMENTS`.
    """
    begin(folder, toy_config(_TRIALS, _EPOCHS, pruner="none")).store.engine.dispose()
    code = end(spawn(_work_in_little_memory, folder, moment))
    with opened_store(folder) as store:
        runs, wrong = store.runs(store.study(NAME)), broken(store)
    wrong += [f"the worker ended with exit code {code}"] if code else []
    for run in runs:
        state = "pruned" if _is_too_big(run.seed) else "complete"
        if run.state != state:
            wrong.append(f"run {run.number} is {run.state} {run.reason}, and was to be {state}")
    happened = sum(run.cause == EndCause.OUT_OF_MEMORY for run in runs)
    return Shortage(happened, len({run.worker_id for run in runs}), tuple(wrong))


def _exhaust(*_: object) -> NoReturn:
    raise torch.OutOfMemoryError("simulated: tried to allocate 2.00 GiB")


def _exhaust_backward(_network: nn.Module, _inputs: object, output: Tensor) -> None:
    if output.requires_grad:
        output.register_hook(_exhaust)  # type: ignore[no-untyped-call]


MOMENTS: dict[str, Callable[[nn.Module], object]] = {
    "build": _exhaust,
    "forward": lambda network: network.register_forward_pre_hook(_exhaust),
    "backward": lambda network: network.register_forward_hook(_exhaust_backward),
}
"""When the memory can end, and how a network is made to want too much then."""


@dataclass(frozen=True)
class _Short(Prepared):
    """A study on a device with too little memory for every other candidate."""

    moment: str

    def network(self, plan: Plan, seed: int) -> nn.Module:
        network = super().network(plan, seed)
        if _is_too_big(seed):
            MOMENTS[self.moment](network)
        return network


def _work_in_little_memory(folder: Path, moment: str) -> None:
    torch.set_num_threads(1)
    study = open_study(store_in(folder), NAME)
    prepared = _Short(**vars(study.prepared), moment=moment)
    Worker(study.store, study.record, prepared, device="cpu").work()


def _is_too_big(seed: int) -> bool:
    return seed % 2 == 1
