"""Which run of a study is its best."""

from __future__ import annotations

from collections.abc import Iterable

from ..facts import RunState
from ..store import RunRecord


__all__ = ["best_run"]


def best_run(runs: Iterable[RunRecord]) -> RunRecord | None:
    """The completed run with the highest accuracy on the search split; the earliest of equals."""
    complete = [run for run in runs if run.state == RunState.COMPLETE and run.value is not None]
    return max(complete, key=lambda run: (run.value or 0.0, -run.slot), default=None)
