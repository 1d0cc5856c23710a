"""What a worker process needs around its work: signals, threads, and an end with its parent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time

import torch

from ..study import OpenStudy, Worker


__all__ = ["run_worker"]

_PARENT_SECONDS = 1.0


def run_worker(study: OpenStudy, *, device: str, threads: int | None, parent: int | None) -> None:
    """Work on a study until it is done; SIGINT, SIGTERM, SIGHUP and the end of the parent stop it.

    Args:
        study: which study.
        device: where to train.
        threads: of torch, or None for torch's own choice; the bits of a run depend on it.
        parent: process id of the supervisor, or None for a worker on its own.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    if threads is not None:
        torch.set_num_threads(threads)
    stop = threading.Event()

    def ask(*_: object) -> None:
        if stop.is_set():
            os._exit(130)  # asked twice: at once
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    Worker(study.store, study.record, study.prepared, device=device, should_stop=stop.is_set).work()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    # At once: a run is safe at any instruction, and nobody is left to wait for a polite end.
    os._exit(1)
