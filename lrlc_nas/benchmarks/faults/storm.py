"""A storm: workers of one study are killed and frozen at random until enough has happened."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from ...errors import LrlcNasError
from ...store import RunRecord, Store, StudyRecord
from ...study import catch_up, start_study
from .lives import end, spawn, store_in, work
from .promises import broken, recorded
from .toy import NAME, toy_config


__all__ = ["Storm", "storm"]

_LEASE = 1.5
_STEP = 0.05
_PAUSE = (0.1, 0.6)
_PATIENCE = 300.0


@dataclass(frozen=True)
class Storm:
    """What a storm left.

    Attributes:
        trials: the budget.
        epochs: of each run.
        ended: runs that are complete.
        recorded: epochs in the database, each of them once.
        kills: workers that were killed while they worked.
        zombies: frozen workers that woke up after another one had taken their run over.
        broken: promises that do not hold.
    """

    trials: int
    epochs: int
    ended: int
    recorded: int
    kills: int
    zombies: int
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether every run and every epoch is there, once."""
        whole = (self.ended, self.recorded) == (self.trials, self.trials * self.epochs)
        return whole and not self.broken


def storm(
    folder: Path, *, trials: int, epochs: int, kills: int, zombies: int, workers: int = 4, seed: int = 0
) -> Storm:
    """Let workers train a study, kill and freeze them until so much has happened, then let it end.

    Raises:
        LrlcNasError: if the study does not end within some minutes, or a worker ends with an error.
    """
    store = store_in(folder)
    study = start_study(store, toy_config(trials, epochs, pruner="none"))
    weather = _Weather(store, study.record, folder, random.Random(seed), workers)
    weather.blow(kills, zombies)
    catch_up(study)
    return Storm(
        trials=trials,
        epochs=epochs,
        ended=store.counts(study.record).get("complete", 0),
        recorded=recorded(store),
        kills=weather.kills,
        zombies=weather.zombies,
        broken=tuple(broken(store)),
    )


@dataclass
class _Weather:
    store: Store
    study: StudyRecord
    folder: Path
    chance: random.Random
    workers: int
    kills: int = 0
    zombies: int = 0
    alive: list[ForkServerProcess] = field(default_factory=list)

    def blow(self, kills: int, zombies: int) -> None:
        try:
            self._blow(kills, zombies)
        finally:
            for process in self.alive:
                process.kill()
                process.join()

    def _blow(self, kills: int, zombies: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.store.is_done(self.study):
            if time.monotonic() > deadline:
                raise LrlcNasError(f"after {_PATIENCE:.0f} s: {self.store.counts(self.study)}")
            self._replace_the_ended()
            time.sleep(self.chance.uniform(*_PAUSE))
            if self.zombies < zombies and self.chance.random() < zombies / (kills + zombies):
                self._freeze()
            elif self.kills < kills:
                self._kill()
        for process in self.alive:
            if code := end(process):
                raise LrlcNasError(f"a worker ended with exit code {code}")
        self.alive.clear()

    def _replace_the_ended(self) -> None:
        for process in [process for process in self.alive if not process.is_alive()]:
            if process.exitcode:
                raise LrlcNasError(f"a worker ended with exit code {process.exitcode}")
            self.alive.remove(process)
        while len(self.alive) < self.workers:
            self.alive.append(spawn(work, self.folder, _LEASE, _STEP))

    def _kill(self) -> None:
        held = self._held()
        if held is not None:
            process, _ = held
            process.kill()
            self.alive.remove(process)
            self.kills += end(process) == -signal.SIGKILL

    def _freeze(self) -> None:
        """Stop a worker until its lease is over and another one may hold its run, then let it go on."""
        held = self._held()
        if held is None:
            return
        process, run = held
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(2 * _LEASE)
        now = {each.run_id: each for each in self.store.runs(self.study)}[run.run_id]
        os.kill(process.pid, signal.SIGCONT)
        self.zombies += now.attempt > run.attempt

    def _held(self) -> tuple[ForkServerProcess, RunRecord] | None:
        """Some worker that trains now, and its run."""
        running = {int(run.owner.split("/")[1]): run for run in self._runs() if run.state == "running"}
        busy = [(each, running[each.pid]) for each in self.alive if each.pid in running and each.is_alive()]
        return self.chance.choice(busy) if busy else None

    def _runs(self) -> list[RunRecord]:
        return self.store.runs(self.store.study(NAME))
