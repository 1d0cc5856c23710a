"""A storm: workers of one study are killed and frozen at random until enough has happened."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from lrlc_nas.engine import catch_up
from lrlc_nas.errors import LrlcNasError
from lrlc_nas.store import RunRecord, Store, StudyRecord

from .lives import begin, end, spawn, work
from .promises import broken, recorded
from .toy import toy_config

__all__ = ["Storm", "storm"]

_LEASE = 1.5
_STEP = 0.05
_PAUSE = (0.1, 0.6)
_LONGEST_FREEZE = 8 * _LEASE
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
    study = begin(folder, toy_config(trials, epochs, pruner="none"))
    store = study.store
    weather = _Weather(store, study.record, folder, random.Random(seed), workers, kills, zombies)
    try:
        weather.blow()
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
    finally:
        store.engine.dispose()


@dataclass
class _Weather:
    store: Store
    study: StudyRecord
    folder: Path
    chance: random.Random
    workers: int
    wanted_kills: int
    wanted_zombies: int
    kills: int = 0
    zombies: int = 0
    alive: list[ForkServerProcess] = field(default_factory=list)

    @property
    def pause(self) -> Path:
        """While this file is there the workers take no step: the study must not end before the storm."""
        return self.folder / "pause"

    def blow(self) -> None:
        try:
            self._blow()
        finally:
            for process in self.alive:
                process.kill()
                process.join()

    def _blow(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.store.is_done(self.study):
            if time.monotonic() > deadline:
                raise LrlcNasError(f"the storm did not end within {_PATIENCE:.0f} s: {self._state()}")
            self._hold_back()
            self._replace_the_ended()
            time.sleep(self.chance.uniform(*_PAUSE))
            kills, zombies = self.wanted_kills - self.kills, self.wanted_zombies - self.zombies
            if zombies > 0 and self.chance.random() < zombies / (max(kills, 0) + zombies):
                self._freeze()
            elif kills > 0:
                self._kill()
        for process in self.alive:
            self._require_good_end(end(process))
        self.alive.clear()

    def _hold_back(self) -> None:
        """Pause the work on the last runs for as long as there is more to happen."""
        counts = self.store.counts(self.study)
        last = counts.get("waiting", 0) + counts.get("running", 0) <= self.workers
        if last and (self.kills < self.wanted_kills or self.zombies < self.wanted_zombies):
            self.pause.touch()
        else:
            self.pause.unlink(missing_ok=True)

    def _replace_the_ended(self) -> None:
        for process in [process for process in self.alive if not process.is_alive()]:
            self._require_good_end(process.exitcode)
            self.alive.remove(process)
        while len(self.alive) < self.workers:
            self._add()

    def _require_good_end(self, code: int | None) -> None:
        if code:
            raise LrlcNasError(f"a worker ended with exit code {code}: {self._state()}")

    def _add(self) -> None:
        self.alive.append(spawn(work, self.folder, _LEASE, _STEP, None, self.pause))

    def _kill(self) -> None:
        held = self._held()
        if held is not None:
            process, _ = held
            process.kill()
            self.alive.remove(process)
            self.kills += end(process) == -signal.SIGKILL

    def _freeze(self) -> None:
        """Stop a worker until another one holds its run, or long after it might, then let it go on."""
        held = self._held()
        if held is None:
            return
        process, run = held
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        try:
            self._add()  # the others may be busy
            self.zombies += self._is_taken_over(run)
        finally:
            os.kill(process.pid, signal.SIGCONT)

    def _is_taken_over(self, run: RunRecord) -> bool:
        deadline = time.monotonic() + _LONGEST_FREEZE
        while time.monotonic() < deadline:
            now = {each.run_id: each for each in self.store.runs(self.study)}[run.run_id]
            if now.attempt > run.attempt:
                return True
            time.sleep(_STEP)
        return False

    def _held(self) -> tuple[ForkServerProcess, RunRecord] | None:
        """Some worker that trains now, and its run."""
        running = {
            int(run.worker_id.split("/")[1]): run for run in self.store.runs(self.study) if run.state == "running"
        }
        busy = [(each, running[each.pid]) for each in self.alive if each.pid in running and each.is_alive()]
        return self.chance.choice(busy) if busy else None

    def _state(self) -> str:
        return (
            f"runs {self.store.counts(self.study)}; {self.kills} of {self.wanted_kills} kills, "
            f"{self.zombies} of {self.wanted_zombies} zombies; {len(self.alive)} workers"
        )
