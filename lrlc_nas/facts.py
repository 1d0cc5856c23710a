"""Facts of a run that something is decided by: typed, stored as written here, and never read from a message."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["SEARCH_VALUE", "EndCause", "Role", "RunState"]

SEARCH_VALUE = "search_value"
"""The fact of a run that holds its metric on the search split, where it counts on another."""


class RunState(StrEnum):
    """Where a run stands; the last three are final."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether a run in this state has ended."""
        return self in (RunState.COMPLETE, RunState.PRUNED, RunState.FAILED)


class Role(StrEnum):
    """What a run is for; the first three are the initial design, the last one is a run of a confirmation."""

    HOST = "host"
    SINGLE = "single"
    FRACTION = "fraction"
    SAMPLED = "sampled"
    CONFIRM = "confirm"


class EndCause(StrEnum):
    """Why a run was pruned or failed; a complete run has no cause.

    The first four prune a run, so that the sampler learns from it; the last two fail it.
    """

    BEHIND = "behind"
    """It fell behind the others at a rung of successive halving."""

    INFEASIBLE = "infeasible"
    """Its network is over the limits of the space."""

    OUT_OF_MEMORY = "out-of-memory"
    """Its training did not fit in memory."""

    DIVERGED = "diverged"
    """A loss was not finite."""

    CRASHED = "crashed"
    """It ended its worker too often."""

    ERROR = "error"
    """Its code raised an exception."""
