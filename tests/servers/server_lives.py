"""What the processes of these tests do: work on a study, or claim all its runs, in some database."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch

from lrlc_nas.benchmarks.faults.toy import NAME, toy_config
from lrlc_nas.store import ComputePaths, Store, claim, finish, this_process
from lrlc_nas.study import Worker, open_study, start_study


__all__ = ["CONTEXT", "EPOCHS", "LEASE", "TRIALS", "begin", "claim_all", "die_after_steps", "spawn", "work"]

CONTEXT = multiprocessing.get_context("forkserver")
TRIALS, EPOCHS = 8, 3
LEASE = 1.5


def begin(
    store: Store, reference: Store | None = None, *, trials: int = TRIALS, epochs: int = EPOCHS
) -> Store:
    """Start the toy study; with the paths that another one has chosen, because the bits depend on them."""
    study = start_study(store, toy_config(trials, epochs))
    if reference is not None:
        mine = ComputePaths(store, study.record)
        for situation, path in ComputePaths(reference, reference.study(NAME)).all().items():
            mine.setdefault(situation, path)
    return store


def spawn(target: Callable[..., None], *arguments: object) -> ForkServerProcess:
    CONTEXT.set_forkserver_preload(["lrlc_nas.study"])
    process = CONTEXT.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def work(url: str, step_seconds: float = 0.0, log: str = os.devnull) -> None:
    """What one worker does, with a rest before each step so that it takes a while."""
    torch.set_num_threads(1)
    logging.basicConfig(filename=log, level=logging.DEBUG)

    def rest() -> bool:
        time.sleep(step_seconds)
        return False

    study = open_study(Store(url), NAME)
    Worker(
        study.store, study.record, study.prepared, device="cpu", should_stop=rest, lease_seconds=LEASE
    ).work()


def die_after_steps(url: str, steps: int) -> None:
    """Work, and kill this process by SIGKILL before a step."""
    torch.set_num_threads(1)
    asked = iter(range(10_000))

    def should_stop() -> bool:
        if next(asked) == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    study = open_study(Store(url), NAME)
    Worker(study.store, study.record, study.prepared, device="cpu", should_stop=should_stop).work()


def claim_all(url: str, path: str, barrier: Barrier) -> None:
    """Claim and end runs until there are none, and write down which."""
    store = Store(url)
    study = store.study("toy")
    owner = this_process()
    barrier.wait(60)
    mine = []
    while (held := claim(store, study, owner, 3600.0)) is not None:
        mine.append(held.run.slot)
        finish(store, held, "complete", value=0.5, facts={})
    Path(path).write_text(json.dumps(mine))
