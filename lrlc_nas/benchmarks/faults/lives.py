"""What the processes of the fault drivers do: live through a whole study, work on one, or claim all its runs.

They are forked from a server that has imported the package once, so that a death costs little.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch

from ...errors import LrlcNasError
from ...faults import VARIABLE, Fault, arm, count_hits
from ...launchers import LocalWorkers
from ...store import ComputePaths, Store, claim, finish, this_process
from ...study import Worker, catch_up, open_study, resume_study, start_study
from .toy import NAME, toy_config


__all__ = [
    "EPOCHS",
    "HITS",
    "TRIALS",
    "claim_all",
    "end",
    "live",
    "raise_and_work",
    "spawn",
    "spawner",
    "store_in",
    "supervise",
    "work",
]

TRIALS = 4
"""The total number of runs of a life, after it was raised."""

EPOCHS = 3
"""Epochs of each run of a life."""

HITS = "hits.json"
"""The file beside the database in which a life that ends well leaves how often it passed each point."""

_FIRST_TRIALS = 3
_PATIENCE = 180.0


def spawner() -> ForkServerContext:
    """The way to start processes here; its server has imported this package."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def spawn(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a process that says nothing of the trouble which it is there to meet."""
    process = spawner().Process(target=_quietly, args=(target, *arguments), daemon=True)
    process.start()
    return process


def end(process: ForkServerProcess) -> int:
    """The exit code of a process that is to end by itself.

    Raises:
        LrlcNasError: if it does not within some minutes; it is killed then.
    """
    process.join(_PATIENCE)
    code = process.exitcode
    if code is None:
        process.kill()
        raise LrlcNasError(f"process {process.pid} did not end within {_PATIENCE:.0f} s")
    return code


def store_in(folder: Path) -> Store:
    """The database in a folder."""
    return Store(f"sqlite:///{folder}/studies.db")


def live(folder: Path, fault: str = "", paths: Mapping[str, str] | None = None) -> None:
    """Start a study, stop it politely, raise its total and end it; from wherever an earlier life was cut short.

    Args:
        folder: for the database.
        fault: what shall go wrong, as `Fault.parse` reads it.
        paths: which way computes which layer, where that was measured before: the bits of a run depend on it.
    """
    torch.set_num_threads(1)
    hits = count_hits()
    if fault:
        arm(Fault.parse(fault))
    store = store_in(folder)
    # The trouble of the world ends a worker; a traceback would only say what was asked for.
    with suppress(OSError):
        _live(store, paths or {})
        (folder / HITS).write_text(json.dumps(hits))
        return
    raise SystemExit(1)


def work(
    folder: Path, lease_seconds: float, step_seconds: float = 0.0, barrier: Barrier | None = None
) -> None:
    """Work on a study like any worker.

    Args:
        folder: of the database.
        lease_seconds: how long a claim lasts without renewal.
        step_seconds: rest before each step, for studies that shall take a while.
        barrier: where all workers wait for each other before they begin.
    """
    torch.set_num_threads(1)
    study = open_study(store_in(folder), NAME)
    if barrier is not None:
        barrier.wait(_PATIENCE)

    def rest() -> bool:
        time.sleep(step_seconds)
        return False

    Worker(
        study.store,
        study.record,
        study.prepared,
        device="cpu",
        should_stop=rest,
        lease_seconds=lease_seconds,
    ).work()


def raise_and_work(folder: Path, trials: int, barrier: Barrier) -> None:
    """Raise the total of a study and work on it, at once with others who do the same."""
    torch.set_num_threads(1)
    store = store_in(folder)
    barrier.wait(_PATIENCE)
    study = resume_study(store, NAME, trials)
    Worker(store, study.record, study.prepared, device="cpu").work()


def supervise(folder: Path, fault: str = "", worker_fault: str = "") -> None:
    """Start or resume a study and supervise one worker, a process with an interpreter of its own.

    Args:
        folder: for the database.
        fault: what shall go wrong in this process.
        worker_fault: what shall go wrong in its workers.
    """
    if fault:
        arm(Fault.parse(fault))
    if worker_fault:
        os.environ[VARIABLE] = worker_fault
    os.environ["OMP_NUM_THREADS"] = "1"
    store = store_in(folder)
    there = NAME in store.names()
    study = resume_study(store, NAME) if there else start_study(store, toy_config(TRIALS, EPOCHS))
    LocalWorkers(store, study.record, ["cpu"]).run(lambda: None)
    catch_up(study)


def claim_all(folder: Path, barrier: Barrier) -> None:
    """Resume a study, then claim and end its runs as long as there are any, at once with others.

    The slots that were claimed are left in a file named as the process.
    """
    store = store_in(folder)
    barrier.wait(_PATIENCE)
    study = resume_study(store, NAME)
    barrier.wait(_PATIENCE)
    slots: list[int] = []
    while (held := claim(store, study.record, this_process(), 60.0)) is not None:
        slots.append(held.run.slot)
        finish(store, held, "complete", value=0.5, facts={})
    (folder / f"claimed-{os.getpid()}.json").write_text(json.dumps(slots))


def _quietly(target: Callable[..., None], *arguments: object) -> None:
    logging.getLogger("lrlc_nas").setLevel(logging.CRITICAL)
    target(*arguments)


def _live(store: Store, paths: Mapping[str, str]) -> None:
    if NAME not in store.names():
        start_study(store, toy_config(_FIRST_TRIALS, EPOCHS))
    known = ComputePaths(store, store.study(NAME))
    for situation, path in paths.items():
        known.setdefault(situation, path)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _work(store, lambda: stop.is_set() or bool(store.epochs(store.study(NAME))))
    _work(store, stop.is_set, TRIALS)


def _work(store: Store, should_stop: Callable[[], bool], trials: int | None = None) -> None:
    study = resume_study(store, NAME, trials)
    Worker(store, study.record, study.prepared, device="cpu", should_stop=should_stop).work()
