"""How a run ends: which errors are the candidate's own, and which are the world's.

A candidate that is too big or diverges is pruned, so that the sampler learns from it; an exception in its code
makes it fail. Trouble with the database, the disk or the machine is no fault of the candidate: such errors rise,
and the run stays claimable.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from ..errors import (
    CheckpointError,
    DiskError,
    DivergedError,
    FencedError,
    StorageError,
    TrainingStoppedError,
)
from ..store import Claim


__all__ = ["MOST_DEATHS", "Outcome", "RunEndedError", "candidate_errors", "killer"]

MOST_DEATHS = 10
"""How many workers in a row may die over a run without an epoch in between.

Machines kill innocent runs too. Where a worker was killed every three seconds, shortly after it could begin, five in
a row struck 4 of 200 runs that had done nothing (the soak of the fault programme).
"""

# After an AcceleratorError the device is of no use to this process; the next one may well succeed.
_WORLD = (
    *(TrainingStoppedError, FencedError, StorageError, DiskError, CheckpointError),
    *(OSError, torch.AcceleratorError),
)


@dataclass(frozen=True)
class Outcome:
    """The end of a run.

    Attributes:
        state: ``complete``, ``pruned`` or ``failed``.
        reason: why, in one line; empty for a complete run.
        trace: the traceback of the error that has failed it, or nothing.
    """

    state: str
    reason: str = ""
    trace: str = field(default="", compare=False, repr=False)


class RunEndedError(Exception):
    """An error that ends the run it happened in; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def killer(held: Claim) -> Outcome | None:
    """The end of a run that has killed its process too often to be tried again; None if it has not.

    Crashes, exits and the system's killing for want of memory leave nothing but a dead worker.
    """
    if held.deaths < MOST_DEATHS:
        return None
    return Outcome("failed", f"error: its worker died {held.deaths} times in epoch {held.run.epoch}")


@contextmanager
def candidate_errors() -> Iterator[None]:
    """Turn errors of the candidate inside the block into `RunEndedError`; let those of the world rise."""
    try:
        yield
    except _WORLD:
        raise
    except Exception as error:
        raise RunEndedError(_outcome(error)) from None


def _outcome(error: Exception) -> Outcome:
    first_line = (str(error).strip().splitlines() or [""])[0][:300]
    # Not every database takes a NUL or half of a surrogate pair.
    text = "".join(letter if letter.isprintable() else "?" for letter in first_line)
    if isinstance(error, DivergedError):
        return Outcome("pruned", f"diverged: {text}")
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or _cpu_is_full(error):
        return Outcome("pruned", f"infeasible: out of memory: {text}")
    return Outcome("failed", f"error: {type(error).__name__}: {text}", traceback.format_exc())


def _cpu_is_full(error: Exception) -> bool:
    # The CPU's allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
