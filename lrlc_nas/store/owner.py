"""Who holds a claim, and whether that process still lives on this machine."""

from __future__ import annotations

import os
import socket

import psutil


__all__ = ["host_of", "is_dead", "this_host", "this_process"]

_CLOCK_SECONDS = 2.0


def this_host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def host_of(owner: str) -> str:
    """The machine of an owner, as `this_process` named it; empty if something else did."""
    host, slash, _ = owner.partition("/")
    return host if slash else ""


def this_process() -> str:
    """A name for this process that no other process ever has: host, process id and start time."""
    return f"{this_host()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_dead(owner: str) -> bool:
    """Whether the owner, as `this_process` named it, ran on this machine and has ended.

    False if that cannot be known from here.
    """
    _, _, rest = owner.partition("/")
    pid, _, started = rest.partition("/")
    if host_of(owner) != this_host():
        return False
    try:
        process = psutil.Process(int(pid))
        # The start time is measured from the time of boot, which moves a little when the clock is set.
        another = abs(process.create_time() - float(started)) > _CLOCK_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, ValueError, OverflowError):  # the last two: `this_process` did not write it
        return False
