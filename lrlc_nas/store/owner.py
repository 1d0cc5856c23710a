"""Who holds a claim, and whether that process still lives on this machine."""

from __future__ import annotations

import os
import socket

import psutil


__all__ = ["is_dead", "this_process"]

_CLOCK_SECONDS = 2.0


def this_process() -> str:
    """A name for this process that no other process ever has: host, process id and start time."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def is_dead(owner: str) -> bool:
    """Whether the owner, as `this_process` named it, ran on this machine and has ended.

    False if that cannot be known from here.
    """
    host, _, rest = owner.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        # The start time is measured from the time of boot, which moves a little when the clock is set.
        another = abs(process.create_time() - float(started)) > _CLOCK_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
