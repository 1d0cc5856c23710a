"""Who holds a claim, and whether that process still lives on this machine."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import psutil

__all__ = ["host_of", "is_dead", "is_elsewhere", "this_host", "this_process"]

_CLOCK_SECONDS = 2.0
_BOOT, _PROCESSES, _SELF = (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid"), Path("/proc/self"))


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def host_of(worker: str) -> str:
    """The machine of an worker, as `this_process` named it; empty if something else did."""
    place, slash, _ = worker.partition("/")
    return _host_and_boot(place)[0] if slash else ""


def is_elsewhere(worker: str) -> bool:
    """Whether the worker was on another machine: of another name, or of the same one and started another time."""
    (host, boot), (here, now) = _host_and_boot(worker.partition("/")[0]), _host_and_boot(_here())
    return bool(host_of(worker)) and (host != here or (boot != now and bool(boot and now)))


def this_process() -> str:
    """A name for this process that no other process ever has: where it runs, process id and start time.

    Where it runs is the host, which start of it, and among which processes: containers may share a name and have
    process ids of their own, and so may machines.
    """
    return f"{_here()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_dead(worker: str) -> bool:
    """Whether the worker, as `this_process` named it, ran among the processes that are seen from here and has ended.

    False if that cannot be known from here.
    """
    place, _, rest = worker.partition("/")
    pid, _, started = rest.partition("/")
    if place != _here() or _sees_others():
        return False
    try:
        process = psutil.Process(int(pid))
        # The start time is measured from the time of boot, which moves a little when the clock is set.
        another = abs(process.create_time() - float(started)) > _CLOCK_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return not _is_there(int(pid))
    except (psutil.AccessDenied, ValueError, OverflowError):  # the last two: `this_process` did not write it
        return False


def _here() -> str:
    """The host, and where the system tells them, which start of it and the number of its process namespace."""
    boot = processes = ""
    with suppress(OSError):
        boot = _BOOT.read_text()[:8]
        processes = str(_PROCESSES.stat().st_ino)
    return f"{this_host()}@{boot}-{processes}" if processes else this_host()


def _host_and_boot(place: str) -> tuple[str, str]:
    """The two in what `_here` has named; no boot where that was not told."""
    host, at, rest = place.rpartition("@")
    return (host, rest.partition("-")[0]) if at else (place, "")


def _sees_others() -> bool:
    """Whether /proc tells of the processes of another namespace than this process is in."""
    try:
        return _SELF.readlink() != Path(str(os.getpid()))
    except OSError:
        return _SELF.parent.exists()


def _is_there(pid: int) -> bool:
    """Whether there is a process of this id, which /proc may hide from other users (mount option hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
