"""Faults on purpose: named points of the code at which a process can be made to die, to fail or to hang.

A point does nothing unless the environment variable ``LRLC_NAS_FAULT`` arms it when the process starts:

``POINT:N:ACTION``
    when the process passes the point for the N-th time;
``POINT:N:ACTION:FILE``
    the same, but only if FILE can be created. So of all processes that share the variable one meets the fault
    once, its successor is spared, and the file tells that it happened.

Reference: SQLite's crash tests, which kill a writer at its n-th write for n = 1, 2, 3, … until one ends untouched
(sqlite.org/testing.html).
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from .errors import InputError

__all__ = ["ACTIONS", "POINTS", "VARIABLE", "Fault", "arm", "fault_point", "watch"]

VARIABLE = "LRLC_NAS_FAULT"
"""The environment variable that arms a fault."""

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "kill": "SIGKILL to this process: nothing more is done",
        "terminate": "SIGTERM to this process, which may end politely",
        "raise": "an OSError, input/output error",
        "disk-full": "an OSError, no space left on device",
        "hang": "nothing happens any more until the process is killed",
    }
)
"""What can happen at a point."""

POINTS: Mapping[str, str] = MappingProxyType(
    {
        "study.commit": "a new study is written and not committed",
        "study.stored": "a new study is in our tables, and Optuna has no trial of it",
        "total.commit": "a larger total is written and not committed",
        "total.stored": "a larger total is in our tables, and its new runs have no trials",
        "trial.made": "Optuna has a trial that no run is tied to",
        "trial.tied": "a run is tied to its trial",
        "dead.commit": "the claims of the dead are given back and not committed",
        "dead.stored": "the claims of the dead are given back",
        "claim.commit": "a claim is written and not committed",
        "claim.stored": "a run is claimed, and nobody renews the claim yet",
        "running.before": "the trial of a claimed run still waits",
        "running.after": "the trial of a claimed run runs",
        "plan.commit": "a plan is reserved and not committed",
        "plan.stored": "a plan is reserved, and Optuna does not know it",
        "plan.shown": "Optuna knows the plan, and nothing is trained",
        "adopt.before": "the checkpoints of the attempt before are not taken over yet",
        "adopt.after": "the checkpoints of the attempt before are taken over",
        "checkpoint.opened": "a temporary file is there, empty",
        "checkpoint.half": "a temporary file holds one half of the checkpoint",
        "checkpoint.written": "a temporary file holds the checkpoint, and nothing has its name",
        "checkpoint.renamed": "the checkpoint has its name, which may not be on the disk",
        "checkpoint.named": "the checkpoint has its name, and no older one is removed",
        "epoch.before": "an epoch has its checkpoint and no record",
        "epoch.commit": "the record of an epoch is written and not committed",
        "epoch.stored": "an epoch is recorded, and Optuna does not know it",
        "report.after": "Optuna knows the epoch",
        "release.commit": "a claim is given back and not committed",
        "release.stored": "a claim is given back",
        "keep.before": "a run is trained, and more checkpoints than its last are there",
        "remove.before": "a superfluous checkpoint is still there",
        "remove.after": "a superfluous checkpoint is removed",
        "remove.emptied": "the last checkpoint of a run is removed, and its folder is there",
        "finish.before": "a run is trained and has not ended",
        "finish.commit": "the end of a run is written and not committed",
        "finish.stored": "a run has ended, and its trial still runs",
        "end.after": "a run has ended and its trial as well; its checkpoints are there",
        "renewal.before": "a claim was held for a while, and is to be renewed",
        "renewal.after": "a claim is renewed",
        "note.before": "an audited run has fallen behind, which is not noted yet",
        "note.after": "it is noted that an audited run has fallen behind",
        "supervisor.before": "a worker process is about to be started",
        "supervisor.after": "a worker process is started",
    }
)
"""All points, by name, and what is true when a process passes them."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        point: one of `POINTS`.
        hit: at which passage of the point, from 1.
        action: one of `ACTIONS`.
        once: a file that the fault creates; it does not happen if that cannot be done. None: it always happens.
    """

    point: str
    hit: int = 1
    action: str = "kill"
    once: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``POINT:N:ACTION`` or ``POINT:N:ACTION:FILE``.

        Raises:
            InputError: if the text has another form, or names a point or an action that there is not.
        """
        point, hit, action, once = (*text.split(":", 3), "", "", "")[:4]
        if point not in POINTS:
            raise InputError(f"{VARIABLE}: the point must be one of {', '.join(POINTS)}; got {point!r}")
        if not (hit.isascii() and hit.isdigit() and int(hit)):
            raise InputError(f"{VARIABLE}: N in POINT:N:ACTION must be a number from 1; got {hit!r}")
        if action not in ACTIONS:
            raise InputError(f"{VARIABLE}: the action must be one of {', '.join(ACTIONS)}; got {action!r}")
        return cls(point, int(hit), action, Path(once) if once else None)

    def __str__(self) -> str:
        """The text that `parse` reads back."""
        parts = (self.point, self.hit, self.action, self.once)
        return ":".join(str(part) for part in parts if part is not None)


def fault_point(name: str) -> None:
    """Mark a point; what is armed there happens.

    Raises:
        OSError: if the fault is one that raises.
    """
    if _passed is not None:
        _passed(name)


def arm(fault: Fault) -> None:
    """Arm a fault in this process, in place of any other; its passages are counted from now on."""
    hits = 0

    def passed(name: str) -> None:
        nonlocal hits
        if name == fault.point:
            hits += 1
            if hits == fault.hit and _is_ours(fault.once):
                _happen(fault)

    watch(passed)


def watch(passed: Callable[[str], None] | None) -> None:
    """Call a function with the name of each point that is passed, in place of whatever is armed; None: of nothing."""
    global _passed
    _passed = passed


def _is_ours(once: Path | None) -> bool:
    if once is None:
        return True
    try:
        os.close(os.open(once, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False
    return True


def _happen(fault: Fault) -> None:
    match fault.action:
        case "terminate":
            os.kill(os.getpid(), signal.SIGTERM)
        case "raise":
            raise OSError(errno.EIO, f"fault {fault}: {os.strerror(errno.EIO)}")
        case "disk-full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
            _hang()  # the signal may reach another thread first
        case _:
            _hang()


def _hang() -> None:
    while True:
        threading.Event().wait()


_passed: Callable[[str], None] | None = None

if os.environ.get(VARIABLE):
    arm(Fault.parse(os.environ[VARIABLE]))
