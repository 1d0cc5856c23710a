"""How a run ends: which errors are the candidate's own, and which are the world's.

A candidate that is too big or diverges is pruned, so that the sampler learns from it; an exception in its code
makes it fail. Trouble with the database, the disk or the machine is no fault of the candidate: such errors rise,
and the run stays claimable.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from ..errors import CheckpointError, DivergedError, FencedError, StorageError, TrainingStoppedError


__all__ = ["Outcome", "RunEndedError", "candidate_errors"]

_LOG = logging.getLogger("lrlc_nas")
# After an AcceleratorError the device is of no use to this process; the next one may well succeed.
_WORLD = (TrainingStoppedError, FencedError, StorageError, CheckpointError, OSError, torch.AcceleratorError)


@dataclass(frozen=True)
class Outcome:
    """The end of a run: its state (``complete``, ``pruned`` or ``failed``) and why."""

    state: str
    reason: str = ""


class RunEndedError(Exception):
    """An error that ends the run it happened in; `outcome` says how."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


@contextmanager
def candidate_errors() -> Iterator[None]:
    """Turn errors of the candidate inside the block into `RunEndedError`; let those of the world rise."""
    try:
        yield
    except _WORLD:
        raise
    except Exception as error:
        outcome = _outcome(error)
        if outcome.state == "failed":
            _LOG.error("%s\n%s", outcome.reason, traceback.format_exc())
        raise RunEndedError(outcome) from None


def _outcome(error: Exception) -> Outcome:
    first_line = (str(error).strip().splitlines() or [""])[0][:300]
    # Not every database takes a NUL or half of a surrogate pair.
    text = "".join(letter if letter.isprintable() else "?" for letter in first_line)
    if isinstance(error, DivergedError):
        return Outcome("pruned", f"diverged: {text}")
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or _cpu_is_full(error):
        return Outcome("pruned", f"infeasible: out of memory: {text}")
    return Outcome("failed", f"error: {type(error).__name__}: {text}")


def _cpu_is_full(error: Exception) -> bool:
    # The CPU's allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
