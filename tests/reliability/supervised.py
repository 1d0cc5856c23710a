"""Deaths around a supervisor: its own, and that of the worker that it has started."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from lrlc_nas.fault_points import Fault

from .crashes import Crash
from .lives import end, spawn, supervise
from .places import opened_store
from .promises import broken

__all__ = ["crash_supervisor", "crash_worker", "workers_of"]

_WAIT = 60.0


def crash_supervisor(folder: Path, fault: Fault) -> Crash:
    """Let a supervisor die in a new folder; its worker is to end with it, and the next one to end the study."""
    folder.mkdir()
    once = folder / "happened"
    first = spawn(supervise, folder, str(Fault(fault.point, fault.hit, fault.action, once)))
    end(first)
    left = _workers_left(first.pid or 0)
    return _supervise_on(folder, str(fault), once, "", left)


def crash_worker(folder: Path, fault: Fault) -> Crash:
    """Let a worker die in a new folder; its supervisor is to replace it, and to end the study."""
    folder.mkdir()
    once = folder / "happened"
    armed = Fault(fault.point, fault.hit, fault.action, once)
    return _supervise_on(folder, f"{fault} in a worker", once, str(armed), [])


def workers_of(supervisor: int) -> list[int]:
    """The process ids of the workers that a supervisor has started, whoever their parent is by now."""
    words = ["--parent", str(supervisor)]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if any(command[index : index + 2] == words for index in range(len(command))):
            found.append(process.pid)
    return found


def _supervise_on(folder: Path, what: str, once: Path, worker_fault: str, left: list[str]) -> Crash:
    process = spawn(supervise, folder, "", worker_fault)
    code = end(process)
    left += _workers_left(process.pid or 0)
    if code:
        left.append(f"the supervisor ended with exit code {code}")
    with opened_store(folder) as store:
        return Crash(what, once.exists(), 0, (*left, *broken(store)))


def _workers_left(supervisor: int) -> list[str]:
    """Workers that are still there long after their supervisor has ended."""
    deadline = time.monotonic() + _WAIT
    while (pids := workers_of(supervisor)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [f"worker {pid} outlives its supervisor" for pid in pids]
