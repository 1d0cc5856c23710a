"""How a run ends: which errors are the candidate's own, and which are the world's.

A candidate that is too big or diverges is pruned, so that the sampler learns from it; an exception in its code
makes it fail. Trouble with the database, the disk or the machine is no fault of the candidate: such errors rise,
and the run stays claimable. Of an `OSError` in its code nobody can tell whose it is: it rises as well, and ends the
worker as a crash does, which a run may do `MOST_CRASHES` times.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from optuna.exceptions import TrialPruned

from ..errors import DiskError, DivergedError, FencedError, StorageError, TrainingStoppedError
from ..facts import EndCause, RunState
from ..runs import FULL, is_device_lost, is_out_of_memory
from ..store import Claim

__all__ = [
    "DIED_OF",
    "MOST_CRASHES",
    "RunEnd",
    "RunEndedError",
    "candidate_errors",
    "end_by_crashes",
    "end_of",
    "in_one_line",
]

MOST_CRASHES = 10
"""How many workers in a row may die over a run without an epoch in between.

Machines kill innocent runs too. Where a worker was killed every three seconds, shortly after it could begin, five in
a row struck 4 of 200 runs that had done nothing (the soak of the fault programme).
"""

DIED_OF = "died_of"
"""The fact of a run that says what first ended a worker over it, where that left any words."""

_WORLD = (TrainingStoppedError, FencedError, StorageError, DiskError, OSError)


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        state: a final one.
        cause: why it was pruned or failed; None for a complete run.
        reason: the same in one line of words, for people alone.
        trace: the traceback of the error that has failed it, or nothing.
    """

    state: RunState
    cause: EndCause | None = None
    reason: str = ""
    trace: str = field(default="", compare=False, repr=False)


class RunEndedError(Exception):
    """An error that ends the run it happened in; `end` says how."""

    def __init__(self, end: RunEnd) -> None:
        super().__init__(end.reason)
        self.end = end


def end_by_crashes(held: Claim) -> RunEnd | None:
    """The end of a run that has ended its worker too often to be tried again; None if it has not.

    Crashes, exits and the system's killing for want of memory leave nothing but a dead worker.
    """
    if held.crash_count < MOST_CRASHES:
        return None
    reason = f"error: its worker died {held.crash_count} times in epoch {held.run.epoch}"
    words = held.run.facts.get(DIED_OF)
    reason = f"{reason}, once of {words}" if words else reason
    return RunEnd(RunState.FAILED, EndCause.CRASHED, reason)


@contextmanager
def candidate_errors() -> Iterator[None]:
    """Turn errors of the candidate inside the block into `RunEndedError`; let those of the world rise.

    Raises:
        DiskError: if its code finds the disk full.
    """
    try:
        yield
    except RunEndedError:
        raise
    except _WORLD as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise DiskError(in_one_line(error)) from error
        raise
    except Exception as error:
        if is_device_lost(error):
            raise  # the device is of no use to this process; the next one may well succeed
        raise RunEndedError(end_of(error)) from None


def in_one_line(error: BaseException) -> str:
    """The first line of what an error says, without what databases refuse: NUL, half of a surrogate pair."""
    first_line = (str(error).strip().splitlines() or [""])[0][:300]
    return "".join(letter if letter.isprintable() else "?" for letter in first_line)


def end_of(error: Exception) -> RunEnd:
    """How a run ends that an error of the candidate has ended."""
    text = in_one_line(error)
    if isinstance(error, DivergedError):
        return RunEnd(RunState.PRUNED, EndCause.DIVERGED, f"diverged: {text}")
    if is_out_of_memory(error):
        reason = f"infeasible: out of memory: {text or type(error).__name__}"
        return RunEnd(RunState.PRUNED, EndCause.OUT_OF_MEMORY, reason)
    if isinstance(error, TrialPruned):  # what training of the user's raises, or a callback of Optuna's
        return RunEnd(RunState.PRUNED, EndCause.BEHIND, f"pruned by its own training: {text}")
    reason = f"error: {type(error).__name__}: {text}"
    return RunEnd(RunState.FAILED, EndCause.ERROR, reason, traceback.format_exc())
