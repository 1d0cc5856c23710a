"""What the processes of the fault drivers do: live through a whole study, work on one, or claim all its runs.

They are forked from a server that has imported the package once, so that a death costs little.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import chdir, suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch

from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import OpenStudy, Worker, catch_up, open_study, resume_study, start_study
from lrlc_nas.engine.launchers import LocalWorkers
from lrlc_nas.errors import DiskError, LrlcNasError
from lrlc_nas.facts import RunState
from lrlc_nas.fault_points import VARIABLE, Fault, arm, watch
from lrlc_nas.store import KernelChoices, Store, claim, finish, this_process

from .places import store_in
from .toy import NAME, toy_config
from .waiting import PATIENCE

__all__ = [
    "EPOCHS",
    "FIRST_TRIALS",
    "HITS",
    "PRELOADED",
    "TRIALS",
    "begin",
    "begin_one",
    "claim_all",
    "end",
    "live",
    "raise_and_work",
    "spawn",
    "spawner",
    "supervise",
    "work",
]

TRIALS = 4
"""The total number of runs of a life, after it was raised."""

EPOCHS = 3
"""Epochs of each run of a life."""

FIRST_TRIALS = 3
"""The total number of runs before."""

HITS = "hits.json"
"""The file beside the database in which a life that ends well leaves how often it passed each point."""

_PAUSE_SECONDS = 0.2
PRELOADED = [
    "torch._dynamo",
    "lrlc_nas.tasks.classification",
    *(f"lrlc_nas.engine.{name}" for name in ("worker", "attempt", "lifecycle", "launchers.local")),
]
"""What a server of forked processes imports once for all: files, because a room imports its files when asked for."""


def spawner() -> ForkServerContext:
    """The way to start processes here; its server has imported what takes long."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def spawn(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    """Start a process that says nothing of the trouble which it is there to meet."""
    process = spawner().Process(target=_quietly, args=(target, *arguments), daemon=True)
    process.start()
    return process


def end(process: ForkServerProcess, seconds: float = PATIENCE) -> int:
    """The exit code of a process that is to end by itself.

    Raises:
        LrlcNasError: if it does not within that time; it is killed then, and has said where it stood.
    """
    process.join(seconds)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
        raise LrlcNasError(f"process {process.pid} did not end within {seconds:.0f} s")
    return code


def begin(folder: Path, config: StudyConfig, paths: Mapping[str, str] | None = None) -> OpenStudy:
    """Start a study in a folder.

    Args:
        folder: a place has furnished it.
        config: of the study.
        paths: which way computes which layer, where that was measured before.
    """
    with chdir(folder):  # the files of a study on a server lie where it is started
        study = start_study(store_in(folder), config)
    _know(study.store, config.name, paths or {})
    return study


def live(folder: Path, fault: str = "", paths: Mapping[str, str] | None = None) -> None:
    """Start a study, stop it politely, raise its total and end it; from wherever an earlier life was cut short.

    Args:
        folder: for the database.
        fault: what shall go wrong, as `Fault.parse` reads it.
        paths: which way computes which layer, where that was measured before: the bits of a run depend on it.
    """
    torch.set_num_threads(1)
    hits: Counter[str] = Counter()
    watch(lambda name: hits.update((name,)))
    if fault:
        arm(Fault.parse(fault))
    # The trouble of the world ends a worker; a traceback would only say what was asked for.
    with suppress(OSError, DiskError):
        _live(folder, paths or {})
        (folder / HITS).write_text(json.dumps(hits))
        return
    raise SystemExit(1)


def work(
    folder: Path,
    lease_seconds: float,
    step_seconds: float = 0.0,
    barrier: Barrier | None = None,
    pause: Path | None = None,
    log: Path | None = None,
) -> None:
    """Work on a study like any worker.

    Args:
        folder: of the database.
        lease_seconds: how long a claim lasts without renewal.
        step_seconds: rest before each step, for studies that shall take a while.
        barrier: where all workers wait for each other before they begin.
        pause: no step is taken while this file is there; runs are claimed nevertheless.
        log: where to write what the worker says; None for nowhere.
    """
    torch.set_num_threads(1)
    if log is not None:
        logging.basicConfig(filename=log, level=logging.DEBUG)
        logging.getLogger("lrlc_nas").setLevel(logging.DEBUG)
    study = open_study(store_in(folder), NAME)
    if barrier is not None:
        barrier.wait(PATIENCE)

    def rest() -> bool:
        time.sleep(step_seconds)
        while pause is not None and pause.exists() and _holds_a_run(study):
            time.sleep(_PAUSE_SECONDS)
        return False

    Worker(
        study.store, study.record, study.prepared, device="cpu", should_stop=rest, lease_seconds=lease_seconds
    ).work()


def raise_and_work(folder: Path, trials: int, barrier: Barrier) -> None:
    """Raise the total of a study and work on it, at once with others who do the same."""
    torch.set_num_threads(1)
    store = store_in(folder)
    barrier.wait(PATIENCE)
    study = resume_study(store, NAME, trials)
    Worker(store, study.record, study.prepared, device="cpu").work()


def supervise(folder: Path, fault: str = "", worker_fault: str = "", workers: int = 1) -> None:
    """Start or resume a study and supervise workers, processes with an interpreter of their own.

    Args:
        folder: for the database.
        fault: what shall go wrong in this process.
        worker_fault: what shall go wrong in its workers.
        workers: how many.
    """
    if fault:
        arm(Fault.parse(fault))
    faulthandler.cancel_dump_traceback_later()  # it may last as long as its study does
    if worker_fault:
        os.environ[VARIABLE] = worker_fault
    os.environ["OMP_NUM_THREADS"] = "1"
    store = store_in(folder)
    there = NAME in store.names()
    study = resume_study(store, NAME) if there else begin(folder, toy_config(TRIALS, EPOCHS))
    LocalWorkers(store, study.record, ["cpu"] * workers).run(lambda: None)
    catch_up(study)


def begin_one(folder: Path, name: str, barrier: Barrier) -> None:
    """Start a study in a database that others start theirs in at once."""
    barrier.wait(PATIENCE)
    begin(folder, toy_config(FIRST_TRIALS, EPOCHS).model_copy(update={"name": name}))


def claim_all(folder: Path, barrier: Barrier) -> None:
    """Resume a study, then claim and end its runs as long as there are any, at once with others.

    The numbers that were claimed are left in a file named as the process.
    """
    store = store_in(folder)
    barrier.wait(PATIENCE)
    study = resume_study(store, NAME)
    barrier.wait(PATIENCE)
    numbers: list[int] = []
    while (held := claim(store, study.record, this_process(), 60.0)) is not None:
        numbers.append(held.run.number)
        finish(store, held, RunState.COMPLETE, value=0.5, facts={})
    (folder / f"claimed-{os.getpid()}.json").write_text(json.dumps(numbers))


def _quietly(target: Callable[..., None], *arguments: object) -> None:
    logging.getLogger("lrlc_nas").setLevel(logging.CRITICAL)
    # Shortly before the end of all patience with it the process says where each of its threads waits.
    faulthandler.dump_traceback_later(PATIENCE - 5)
    target(*arguments)


def _holds_a_run(study: OpenStudy) -> bool:
    here = this_process()
    runs = study.store.retrying().runs(study.record)
    return any(run.state == "running" and run.worker_id == here for run in runs)


def _live(folder: Path, paths: Mapping[str, str]) -> None:
    store = store_in(folder)
    if NAME not in store.names():
        begin(folder, toy_config(FIRST_TRIALS, EPOCHS))
    _know(store, NAME, paths)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    _work(store, lambda: stop.is_set() or bool(store.epochs(store.study(NAME))))
    _work(store, stop.is_set, TRIALS)


def _know(store: Store, name: str, paths: Mapping[str, str]) -> None:
    known = KernelChoices(store, store.study(name))
    for situation, path in paths.items():
        known.setdefault(situation, path)


def _work(store: Store, should_stop: Callable[[], bool], trials: int | None = None) -> None:
    study = resume_study(store, NAME, trials)
    Worker(store, study.record, study.prepared, device="cpu", should_stop=should_stop).work()
