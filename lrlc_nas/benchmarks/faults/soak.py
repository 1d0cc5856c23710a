"""A soak: a supervisor whose workers are killed every few seconds, for as long as its study lasts."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from statistics import median

import psutil

from ...errors import LrlcNasError
from .lives import begin, end, spawn, supervise
from .places import opened_store
from .promises import broken
from .supervised import workers_of
from .toy import NAME, toy_config


__all__ = ["Soak", "soak"]

_SAMPLES = 10
_MOST_GROWTH = 0.05
_MOST_DESCRIPTORS = 2
_PATIENCE = 3600.0


@dataclass(frozen=True)
class Soak:
    """What a soak left.

    Attributes:
        trials: the budget.
        ended: runs that have ended.
        kills: of workers.
        growth: of the supervisor's memory, from the first samples to the last, as a fraction.
        descriptors: fewest and most that the supervisor had open after the first samples.
        broken: promises that do not hold.
    """

    trials: int
    ended: int
    kills: int
    growth: float
    descriptors: tuple[int, int]
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether all is done and the supervisor is as it was."""
        fewest, most = self.descriptors
        steady = self.growth < _MOST_GROWTH and most - fewest <= _MOST_DESCRIPTORS
        return self.ended == self.trials and steady and not self.broken


def soak(
    folder: Path,
    *,
    trials: int,
    epochs: int,
    workers: int = 4,
    every: float = 3.0,
    rest: float,
    seed: int = 0,
) -> Soak:
    """Supervise a study and kill one of its workers every few seconds until it ends.

    Args:
        folder: that a place has furnished.
        trials: the budget.
        epochs: of each run.
        workers: how many.
        every: seconds from one kill to the next.
        rest: seconds before each batch; they say how long the study takes.
        seed: of who is killed.

    Raises:
        LrlcNasError: if the study does not end within an hour.
    """
    config = toy_config(trials, epochs, sites=3, pruner="none", rest=rest)
    begin(folder, config).store.engine.dispose()
    supervisor = spawn(supervise, folder, "", "", workers)
    try:
        kills, samples = _strike(folder, supervisor, every, random.Random(seed))
        code = end(supervisor)
    finally:
        supervisor.kill()  # its workers end with it
        supervisor.join()
    with opened_store(folder) as store:
        ended, wrong = store.counts(store.study(NAME)).get("complete", 0), broken(store)
    wrong += [f"the supervisor ended with exit code {code}"] if code else []
    memory, descriptors = zip(*_settled(samples), strict=True)
    return Soak(
        trials=trials,
        ended=ended,
        kills=kills,
        growth=median(memory[-_SAMPLES:]) / median(memory[:_SAMPLES]) - 1,
        descriptors=(min(descriptors), max(descriptors)),
        broken=tuple(wrong),
    )


def _strike(
    folder: Path, supervisor: ForkServerProcess, every: float, chance: random.Random
) -> tuple[int, list[tuple[int, int]]]:
    """Kill a worker at each stroke; how many were killed, and the supervisor's memory and descriptors."""
    process, kills, samples = psutil.Process(supervisor.pid), 0, []
    deadline = time.monotonic() + _PATIENCE
    while supervisor.is_alive():
        if time.monotonic() > deadline:
            raise LrlcNasError(f"the soak did not end within {_PATIENCE:.0f} s, after {kills} kills")
        supervisor.join(every)
        with suppress(psutil.NoSuchProcess):  # it ends meanwhile
            samples.append((process.memory_info().rss, process.num_fds()))
        if victims := _at_work(folder, process.pid):
            kills += _kill(chance.choice(victims))
    return kills, samples


def _at_work(folder: Path, supervisor: int) -> list[int]:
    """Workers that hold a run; one that still starts would only be started again."""
    with opened_store(folder) as store:
        runs = store.runs(store.study(NAME))
    owners = {int(run.owner.split("/")[1]) for run in runs if run.state == "running"}
    return [pid for pid in workers_of(supervisor) if pid in owners]


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended meanwhile
        return False
    return True


def _settled(samples: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without the first tenth, in which a supervisor still grows up, and the last, in which it ends."""
    settled = samples[len(samples) // 10 : -1]
    if len(settled) < 2:
        raise LrlcNasError(f"the soak ended after {len(samples)} samples of its supervisor; it needs more")
    return settled
