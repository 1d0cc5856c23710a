"""What a worker process needs around its work: words, threads, and an end when it is asked to or hangs."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys

import torch

from ...errors import DeviceError, OutageError
from ...signals import Stop
from ..lease import HANG_SECONDS
from ..lifecycle import OpenStudy
from ..worker import Worker

__all__ = ["run_worker"]

_LOG = logging.getLogger("lrlc_nas")


def run_worker(
    study: OpenStudy, *, device: str, threads: int | None, stop: Stop, hang_seconds: float = HANG_SECONDS
) -> None:
    """Work on a study until it is done or the process is asked to end.

    A process whose training hangs ends with exit code 1 and says where each of its threads stood; one that has lost
    its device ends at once with the code of `DeviceError`.

    Args:
        study: which study.
        device: where to train.
        threads: of torch, or None for torch's own choice; the bits of a run depend on it.
        stop: hears who asks; it listens already.
        hang_seconds: how long nothing may happen in training.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if threads is not None:
        torch.set_num_threads(threads)
    stop.begin()
    worker = Worker(
        study.store,
        study.record,
        study.prepared,
        device=device,
        should_stop=stop.is_asked,
        hang_seconds=hang_seconds,
        on_hang=_end_hanging,
    )
    try:
        worker.work()
    except OutageError as error:
        if not stop.is_asked():
            raise
        _LOG.warning("stopped during an outage: %s", error)
    except DeviceError as error:
        _end_without_device(error)


def _end_hanging(where: str) -> None:
    faulthandler.dump_traceback(sys.stderr)
    _LOG.error("%s; this worker ends", where)
    os._exit(1)  # the thread that hangs hears nothing


def _end_without_device(error: DeviceError) -> None:
    print(f"Error: {error}", file=sys.stderr, flush=True)
    os._exit(error.exit_code)  # what Python does last would call on the device, which may abort the process
