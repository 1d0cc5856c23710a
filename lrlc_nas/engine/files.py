"""The checkpoints of a run, as its attempts take them over and as they are read."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from ..fault_points import fault_point
from ..runs import Checkpoints
from ..store import RunRecord, Store, StudyRecord
from .folders import attempts_at, run_folder

__all__ = ["adopt_checkpoints", "run_checkpoints"]


def adopt_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a claimed run, with those of the attempt before taken over.

    Each attempt writes to a folder of its own. Renaming the newest earlier one is one step: a frozen worker that
    wakes up finds its folder gone, and cannot take a later one.
    """
    folder = run_folder(store, study, run)
    mine = folder / f"attempt-{run.attempt}"
    earlier = [path for number, path in attempts_at(folder) if number < run.attempt]
    if earlier and not mine.exists():
        with suppress(FileNotFoundError):
            fault_point("adopt.before")
            earlier[-1].rename(mine)
            fault_point("adopt.after")
    return Checkpoints(mine, _identity(study, run), recorded=run.epoch)


def run_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a run as they stand, for reading."""
    folder = run_folder(store, study, run)
    attempts = attempts_at(folder) or [(run.attempt, folder / f"attempt-{run.attempt}")]
    return Checkpoints(attempts[-1][1], _identity(study, run))


def _identity(study: StudyRecord, run: RunRecord) -> str:
    assert run.plan is not None
    training = study.config.training_digest
    parts = (study.host_fingerprint, study.data_fingerprint, training, run.plan.digest, str(run.seed))
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
