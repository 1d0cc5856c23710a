"""Where the checkpoints of a study lie. Names of studies and sites never become paths."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from ..fault_points import fault_point
from ..runs import Checkpoints
from ..store import RunRecord, Store, StudyRecord, sqlite_path


__all__ = [
    "adopt_checkpoints",
    "checkpoint_bytes",
    "files_folder",
    "has_checkpoints",
    "remove_stale_attempts",
    "run_checkpoints",
    "study_bytes",
    "study_folder",
]

_ATTEMPT = re.compile(r"attempt-([0-9]+)")


def files_folder(store: Store) -> Path:
    """The folder for all files of a database: beside a SQLite file, else in the current folder."""
    path = sqlite_path(store.url)
    if path is None:
        return Path.cwd() / "lrlc-nas.runs"
    return path.with_name(f"{path.stem}.runs")


def study_folder(store: Store, study: StudyRecord) -> Path:
    """The folder of one study. Beside a SQLite file it moves with the file, else it stays where it was made.

    Its name tells the moment of creation as well, because a new database counts its studies from 1 again.
    """
    base = files_folder(store) if sqlite_path(store.url) is not None else Path(study.files)
    return base / f"study-{study.study_id}-{study.created:%Y%m%d-%H%M%S-%f}"


def adopt_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a claimed run, with those of the attempt before taken over.

    Each attempt writes to a folder of its own. Renaming the newest earlier one is one step: a frozen worker that
    wakes up finds its folder gone, and cannot take a later one.
    """
    folder = _run_folder(store, study, run)
    mine = folder / f"attempt-{run.attempt}"
    earlier = [path for number, path in _attempts(folder) if number < run.attempt]
    if earlier and not mine.exists():
        with suppress(FileNotFoundError):
            fault_point("adopt.before")
            earlier[-1].rename(mine)
            fault_point("adopt.after")
    return Checkpoints(mine, _identity(study, run), recorded=run.epoch)


def run_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a run as they stand, for reading."""
    folder = _run_folder(store, study, run)
    attempts = _attempts(folder) or [(run.attempt, folder / f"attempt-{run.attempt}")]
    return Checkpoints(attempts[-1][1], _identity(study, run))


def remove_stale_attempts(store: Store, study: StudyRecord, run: RunRecord) -> None:
    """Remove what a frozen worker wrote after a later attempt had begun: all folders but the last attempt's."""
    for _, path in _attempts(_run_folder(store, study, run))[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def checkpoint_bytes(store: Store, study: StudyRecord, run: RunRecord) -> int:
    """What all checkpoints of a run take on the disk; 0 where it has none on this machine."""
    return _bytes_below(_run_folder(store, study, run))


def study_bytes(store: Store, study: StudyRecord) -> int:
    """What the checkpoints of all runs take on the disk of this machine."""
    return sum(map(_bytes_below, study_folder(store, study).glob("trial-*")))


def has_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> bool:
    """Whether an attempt at a run has left a folder on this machine."""
    return bool(_attempts(_run_folder(store, study, run)))


def _run_folder(store: Store, study: StudyRecord, run: RunRecord) -> Path:
    return study_folder(store, study) / f"trial-{run.slot}"


def _attempts(folder: Path) -> list[tuple[int, Path]]:
    found = [(path, _ATTEMPT.fullmatch(path.name)) for path in folder.glob("attempt-*")]
    return sorted((int(match[1]), path) for path, match in found if match is not None)


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # what a worker removes meanwhile is passed over
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def _identity(study: StudyRecord, run: RunRecord) -> str:
    assert run.plan is not None
    training = study.config.training_digest
    parts = (study.host_fingerprint, study.data_fingerprint, training, run.plan.digest, str(run.seed))
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
