"""A soak: supervised workers are killed every few seconds as long as their study lasts, and somebody watches it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from lrlc_nas.engine.run_end import MOST_CRASHES
from lrlc_nas.errors import LrlcNasError

from .door import Served, served
from .lives import begin, end, spawn, supervise
from .places import opened_store
from .promises import broken
from .steadiness import Samples, Steadiness
from .supervised import workers_of
from .toy import NAME, toy_config

__all__ = ["Soak", "Watch", "soak"]

_MOST_IN_AN_EPOCH = MOST_CRASHES // 2
_PAGES = ("/", "/studies/1", "/studies/1/version", "/api/studies", "/api/studies/1")
_PATIENCE = 3600.0


@dataclass(frozen=True)
class Soak:
    """What a soak left.

    Attributes:
        trials: the budget.
        ended: runs that have ended.
        kills: of workers.
        pages: of the dashboard that were asked for meanwhile.
        supervisor: how it changed.
        dashboard: how it changed.
        broken: promises that do not hold.
    """

    trials: int
    ended: int
    kills: int
    pages: int
    supervisor: Steadiness
    dashboard: Steadiness
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether all is done, and the supervisor and the dashboard are as they were."""
        steady = self.supervisor.holds and self.dashboard.holds
        return self.ended == self.trials and steady and not self.broken


def soak(
    folder: Path, *, trials: int, epochs: int, workers: int = 4, every: float = 3.0, rest: float, seed: int = 0
) -> Soak:
    """Supervise a study, kill one of its workers every few seconds until it ends, and look at the dashboard.

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
    with served(folder, folder / "said") as door:
        supervisor = spawn(supervise, folder, "", "", workers)
        watch = Watch(folder, Samples(supervisor.pid or 0), door, random.Random(seed))
        deadline = time.monotonic() + _PATIENCE
        try:
            while supervisor.is_alive():
                if time.monotonic() > deadline:
                    raise LrlcNasError(f"the soak did not end within {_PATIENCE:.0f} s, after {watch.kills} kills")
                supervisor.join(every)
                watch.strike()
            code = end(supervisor)
        finally:
            supervisor.kill()  # its workers end with it
            supervisor.join()
    with opened_store(folder) as store:
        ended, wrong = store.counts(store.study(NAME)).get("complete", 0), broken(store)
    wrong += [f"the supervisor ended with exit code {code}"] if code else []
    return Soak(
        trials=trials,
        ended=ended,
        kills=watch.kills,
        pages=watch.pages,
        supervisor=watch.samples.steadiness(),
        dashboard=watch.of_dashboard.steadiness(),
        broken=(*wrong, *watch.refused),
    )


@dataclass
class Watch:
    """Who strikes and looks.

    Attributes:
        folder: of the database.
        samples: of the supervisor.
        door: the dashboard.
        chance: decides who is killed.
        kills: how many workers were killed.
        pages: how many pages were asked for.
        refused: what came instead of a page.
        of_dashboard: samples of it.
    """

    folder: Path
    samples: Samples
    door: Served
    chance: random.Random
    kills: int = 0
    pages: int = 0
    refused: list[str] = field(default_factory=list)
    of_dashboard: Samples = field(init=False)
    _struck: Counter[tuple[int, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.of_dashboard = Samples(self.door.process.pid)

    def strike(self) -> None:
        """Look at all pages, then kill a worker that trains."""
        self.samples.take()
        for page in _PAGES:
            status = self.door.ask(page).status
            self.refused += [f"the dashboard answered {page} with {status}"] if status != 200 else []
            self.pages += 1
        self.of_dashboard.take()
        victims = self._victims()
        if victims and _kill(pid := self.chance.choice(list(victims))):
            self.kills += 1
            self._struck[victims[pid]] += 1

    def _victims(self) -> dict[int, tuple[int, int]]:
        """Workers that hold a run, each with that run and its epoch; one that still starts would only start again.

        The busier a machine is, the longer takes an epoch, and the more kills meet the same one. A run that has lost
        its worker half as often as a run may is spared until it has recorded its epoch, else it is given up.
        """
        with opened_store(self.folder) as store:
            runs = store.runs(store.study(NAME))
        at_work = {int(run.worker_id.split("/")[1]): (run.run_id, run.epoch) for run in runs if run.state == "running"}
        return {
            pid: at_work[pid]
            for pid in workers_of(self.samples.pid)
            if pid in at_work and self._struck[at_work[pid]] < _MOST_IN_AN_EPOCH
        }


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended meanwhile
        return False
    return True
