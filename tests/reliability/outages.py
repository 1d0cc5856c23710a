"""Outages: a server that crashes, cuts its connections or freezes while a study trains."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from lrlc_nas.engine import resume_study
from lrlc_nas.store import Store

from .crashes import Reference
from .lives import EPOCHS, FIRST_TRIALS, TRIALS, begin, end, spawn, work
from .places import opened_store
from .promises import broken, recorded, story
from .servers import Server
from .toy import NAME, toy_config
from .waiting import PATIENCE, wait_until

__all__ = ["Outage", "cut", "freeze", "outwait", "stop"]

_LEASE = 1.5
_STEP = 0.1
_CUT_SECONDS = 0.1
_LONG_SECONDS = 3.0  # enough for an epoch
_LONG_RUNS = toy_config(2, 20, pruner="none")


@dataclass(frozen=True)
class Outage:
    """What a study is after the outages that its workers went through.

    Attributes:
        happened: outages while workers lived and had work left.
        broken: promises that do not hold.
        trained: epochs whose checkpoint was written meanwhile.
    """

    happened: int
    broken: tuple[str, ...]
    trained: int = field(default=0, compare=False)

    @property
    def survived(self) -> bool:
        """Whether all promises hold."""
        return not self.broken


def stop(folder: Path, server: Server, seconds: float, reference: Reference, log: Path | None = None) -> Outage:
    """Crash the server while a worker trains, and start it again after some seconds.

    The worker trains on. Its claim runs out meanwhile, and stays its own, because nobody can take it.

    Args:
        folder: a new one.
        server: where the reference lies.
        seconds: how long it is away.
        reference: a life that nothing disturbed.
        log: where the worker shall write what it says; None for nowhere.
    """
    trained: set[Path] = set()

    def trouble(worker: ForkServerProcess) -> int:
        _wait_for_epochs(folder, EPOCHS + 1)  # the second run has more to train
        server.crash()
        before = _checkpoints(folder)
        time.sleep(seconds)
        trained.update(_checkpoints(folder) - before)
        alive = worker.is_alive()
        server.start()
        return int(alive and not _is_done(folder))

    outage = replace(_disturbed(folder, reference, trouble, log), trained=len(trained))
    if seconds >= _LONG_SECONDS and not trained:
        return replace(outage, broken=(*outage.broken, "training stopped meanwhile"))
    return outage


def outwait(folder: Path, server: Server, seconds: float, reference: Reference, lease: float = 3.0) -> Outage:
    """Crash the server for longer than a claim lasts while two workers train and a third waits for a run.

    When the server is back, it may ask before the two have renewed what has run out meanwhile.

    Args:
        folder: a new one.
        server: where the reference lies.
        seconds: how long it is away.
        reference: for its place and its ways to compute.
        lease: seconds that a claim lasts.
    """
    reference.place.furnish(folder)
    begin(folder, _LONG_RUNS, reference.paths).store.engine.dispose()
    with _workers(folder, _LONG_RUNS.budget.trials + 1, lease) as workers:
        _wait_for_epochs(folder, EPOCHS)
        server.crash()
        time.sleep(seconds)
        alive = all(worker.is_alive() for worker in workers)
        server.start()
        happened = int(alive and not _is_done(folder))
        wrong = _ends(workers)
    with opened_store(folder) as store:
        return Outage(happened, (*wrong, *broken(store), *_begun_again(store)))


def cut(folder: Path, server: Server, number: int, reference: Reference) -> Outage:
    """Break all connections to the server so many times while a worker trains.

    Args:
        folder: a new one.
        server: where the reference lies.
        number: how often there are connections to break.
        reference: a life that nothing disturbed.
    """

    def trouble(worker: ForkServerProcess) -> int:
        _wait_for_epochs(folder, 1)
        cuts, deadline = 0, time.monotonic() + PATIENCE
        while cuts < number and worker.is_alive() and time.monotonic() < deadline:
            _hold_back(folder)
            cuts += server.cut() > 0
            time.sleep(_CUT_SECONDS)
        return cuts

    return _disturbed(folder, reference, trouble)


def freeze(folder: Path, server: Server, seconds: float, reference: Reference, lease: float = 4.0) -> Outage:
    """Stop all processes of the server, for longer than a claim lasts, while two workers train.

    Which of the two goes on with a run is left to chance then, and so is what the study finds, but no run may have
    two that write.

    Args:
        folder: a new one.
        server: where the reference lies.
        seconds: how long nothing answers.
        reference: a life that nothing disturbed.
        lease: seconds that a claim lasts.
    """
    _ready(folder, reference)
    with _workers(folder, 2, lease) as workers:
        _wait_for_epochs(folder, 1)
        with server.frozen():
            time.sleep(seconds)
            alive = all(worker.is_alive() for worker in workers)
        happened = int(alive and not _is_done(folder))
        wrong = _ends(workers)
    with opened_store(folder) as store:
        resume_study(store, NAME)
        return Outage(happened, (*wrong, *broken(store)))


def _disturbed(
    folder: Path, reference: Reference, trouble: Callable[[ForkServerProcess], int], log: Path | None = None
) -> Outage:
    """One worker goes through trouble, and the study ends as if there had been none."""
    _ready(folder, reference)
    with _workers(folder, 1, _LEASE, log) as (worker,):
        happened = trouble(worker)
        _pause(folder).unlink(missing_ok=True)
        wrong = _ends([worker])
    with opened_store(folder) as store:
        wrong += broken(store)
        if story(store) != reference.story:
            wrong.append("the study found something else")
        wrong += _begun_again(store)
    return Outage(happened, tuple(wrong))


def _ready(folder: Path, reference: Reference) -> None:
    """Start the study of a life, with its total raised at once."""
    reference.place.furnish(folder)
    begin(folder, toy_config(FIRST_TRIALS, EPOCHS), reference.paths).store.engine.dispose()
    with opened_store(folder) as store:
        resume_study(store, NAME, TRIALS)


@contextmanager
def _workers(folder: Path, number: int, lease: float, log: Path | None = None) -> Iterator[list[ForkServerProcess]]:
    workers = [spawn(work, folder, lease, _STEP, None, _pause(folder), log) for _ in range(number)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _ends(workers: list[ForkServerProcess]) -> list[str]:
    codes = [end(worker) for worker in workers]
    return [f"a worker ended with exit code {code}" for code in codes if code]


def _begun_again(store: Store) -> list[str]:
    again = [run.number for run in store.runs(store.study(NAME)) if run.attempt != 1]
    return [f"begun again: runs {again}"] if again else []


def _hold_back(folder: Path) -> None:
    """Pause the work on the last run: the study must not end before its trouble."""
    with opened_store(folder) as store:
        if not store.counts(store.study(NAME)).get("waiting"):
            _pause(folder).touch()


def _checkpoints(folder: Path) -> set[Path]:
    return set(folder.rglob("epoch-*.pt"))


def _pause(folder: Path) -> Path:
    return folder / "pause"


def _wait_for_epochs(folder: Path, number: int) -> None:
    with opened_store(folder) as store:
        wait_until(
            lambda: recorded(store) >= number,
            lambda: f"{recorded(store)} epochs, runs {store.counts(store.study(NAME))}",
        )


def _is_done(folder: Path) -> bool:
    with opened_store(folder) as store:
        return store.is_done(store.study(NAME))
