"""Where the files of a study lie, and what they take. Names of studies and sites never become paths."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from ..store import RunRecord, Store, StudyRecord

__all__ = [
    "attempts_at",
    "checkpoint_bytes",
    "files_folder",
    "has_checkpoints",
    "remove_stale_attempts",
    "run_folder",
    "study_bytes",
    "study_folder",
]

_ATTEMPT = re.compile(r"attempt-([0-9]+)")


def files_folder(store: Store) -> Path:
    """The folder for all files of a database: beside a SQLite file, else in the current folder."""
    if store.path is None:
        return Path.cwd() / "lrlc-nas.runs"
    return store.path.with_name(f"{store.path.stem}.runs")


def study_folder(store: Store, study: StudyRecord) -> Path:
    """The folder of one study. Beside a SQLite file it moves with the file, else it stays where it was made.

    Its name tells the moment of creation as well, because a new database counts its studies from 1 again.
    """
    base = files_folder(store) if store.path is not None else Path(study.files)
    return base / f"study-{study.study_id}-{study.created:%Y%m%d-%H%M%S-%f}"


def checkpoint_bytes(store: Store, study: StudyRecord, run: RunRecord) -> int:
    """What all checkpoints of a run take on the disk; 0 where it has none on this machine."""
    return _bytes_below(run_folder(store, study, run))


def study_bytes(store: Store, study: StudyRecord) -> int:
    """What the checkpoints of all runs take on the disk of this machine."""
    return sum(map(_bytes_below, study_folder(store, study).glob("trial-*")))


def has_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> bool:
    """Whether an attempt at a run has left a folder on this machine."""
    return bool(attempts_at(run_folder(store, study, run)))


def remove_stale_attempts(store: Store, study: StudyRecord, run: RunRecord) -> None:
    """Remove what a frozen worker wrote after a later attempt had begun: all folders but the last attempt's."""
    for _, path in attempts_at(run_folder(store, study, run))[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def run_folder(store: Store, study: StudyRecord, run: RunRecord) -> Path:
    """The folder of one run."""
    return study_folder(store, study) / f"trial-{run.number}"


def attempts_at(folder: Path) -> list[tuple[int, Path]]:
    """The attempts at a run that have left a folder: their numbers and folders, in order."""
    found = [(path, _ATTEMPT.fullmatch(path.name)) for path in folder.glob("attempt-*")]
    return sorted((int(match[1]), path) for path, match in found if match is not None)


def _bytes_below(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # what a worker removes meanwhile is passed over
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total
