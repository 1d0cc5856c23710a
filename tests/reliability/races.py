"""Races: many processes on one study, who must spend its budget exactly and claim nothing twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from lrlc_nas.errors import LrlcNasError

from .lives import FIRST_TRIALS, begin, begin_one, claim_all, end, raise_and_work, spawn, spawner, work
from .places import SQLITE, Place, opened_store
from .promises import broken
from .toy import NAME, toy_config

__all__ = ["Claims", "Race", "race", "race_for_claims", "race_of_resumes", "race_of_starts"]

_LEASE = 60.0


@dataclass(frozen=True)
class Race:
    """A study that several workers have ended.

    Attributes:
        workers: how many.
        trials: the budget.
        ended: runs that have ended.
        took_part: workers that have trained a run.
        broken: promises that do not hold.
    """

    workers: int
    trials: int
    ended: int
    took_part: int
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether the budget was spent exactly."""
        return self.ended == self.trials and not self.broken


@dataclass(frozen=True)
class Claims:
    """Runs that many processes have claimed at once.

    Attributes:
        processes: how many.
        runs: that there were to claim, in all rounds.
        claimed: claims that were granted.
        twice: runs that were granted more than once.
    """

    processes: int
    runs: int
    claimed: int
    twice: int


def race(folder: Path, *, workers: int, trials: int, epochs: int, sites: int = 2) -> Race:
    """Let so many workers train one study, all beginning at once.

    Raises:
        LrlcNasError: if a worker ends with an error.
    """
    begin(folder, toy_config(trials, epochs, sites=sites)).store.engine.dispose()
    barrier = spawner().Barrier(workers)
    _all_end(*(spawn(work, folder, _LEASE, 0.0, barrier) for _ in range(workers)))
    return _outcome(folder, workers)


def race_of_resumes(folder: Path, *, first: int, trials: int, epochs: int, processes: int = 2) -> Race:
    """Let several processes raise the total of one study at once, each of them working on it.

    Raises:
        LrlcNasError: if one ends with an error.
    """
    begin(folder, toy_config(first, epochs)).store.engine.dispose()
    barrier = spawner().Barrier(processes)
    _all_end(*(spawn(raise_and_work, folder, trials, barrier) for _ in range(processes)))
    return _outcome(folder, processes)


def race_for_claims(folder: Path, *, processes: int, runs: int, rounds: int, place: Place = SQLITE) -> Claims:
    """Let so many processes resume a study and claim all its runs at once, a study for each round.

    Raises:
        LrlcNasError: if one ends with an error.
    """
    numbers: list[tuple[int, int]] = []
    for number in range(rounds):
        own = place.furnish(folder / f"round-{number}")
        begin(own, toy_config(runs, 1)).store.engine.dispose()
        barrier = spawner().Barrier(processes)
        _all_end(*(spawn(claim_all, own, barrier) for _ in range(processes)))
        for path in own.glob("claimed-*.json"):
            numbers += [(number, number) for number in json.loads(path.read_text())]
    return Claims(processes, runs * rounds, len(numbers), len(numbers) - len(set(numbers)))


def race_of_starts(folder: Path, *, processes: int, rounds: int, place: Place = SQLITE) -> int:
    """Let so many processes start the first studies of a database at once, one for each round.

    Returns:
        How many studies are whole: each run has its trial.

    Raises:
        LrlcNasError: if a process ends with an error.
    """
    whole = 0
    for number in range(rounds):
        own = place.furnish(folder / f"round-{number}")
        barrier = spawner().Barrier(processes)
        _all_end(*(spawn(begin_one, own, f"{NAME}-{each}", barrier) for each in range(processes)))
        with opened_store(own) as store:
            for name in store.names():
                trials = {run.trial_id for run in store.runs(store.study(name))}
                whole += len(trials - {None}) == FIRST_TRIALS and store.has_optuna_study(name)
    return whole


def _all_end(*processes: ForkServerProcess) -> None:
    codes = [end(process) for process in processes]
    if any(codes):
        raise LrlcNasError(f"{len(codes)} processes were to end well; their exit codes are {codes}")


def _outcome(folder: Path, workers: int) -> Race:
    with opened_store(folder) as store:
        study = store.study(NAME)
        counts = store.counts(study)
        owners = {run.worker_id for run in store.runs(study)}
        ended = sum(counts.get(state, 0) for state in ("complete", "pruned", "failed"))
        return Race(workers, study.trials, ended, len(owners), tuple(broken(store)))
