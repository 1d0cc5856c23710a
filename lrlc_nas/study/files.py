"""Where the checkpoints of a study lie. Names of studies and sites never become paths."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path

from ..store import RunRecord, Store, StudyRecord, sqlite_path
from ..training import Checkpoints
from .config import StudyConfig


__all__ = ["adopt_checkpoints", "files_folder", "run_checkpoints", "study_folder"]

_ATTEMPT = re.compile(r"attempt-([0-9]+)")


def files_folder(store: Store) -> Path:
    """The folder for all files of a database: beside a SQLite file, else in the current folder."""
    path = sqlite_path(store.url)
    if path is None:
        return Path.cwd() / "lrlc-nas.runs"
    return path.with_name(f"{path.stem}.runs")


def study_folder(store: Store, study: StudyRecord) -> Path:
    """The folder of one study. Beside a SQLite file it moves with the file, else it stays where it was made."""
    base = files_folder(store) if sqlite_path(store.url) is not None else Path(study.files)
    return base / f"study-{study.study_id}"


def adopt_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a claimed run, with those of earlier attempts taken over.

    Each attempt writes to a folder of its own. Renaming the newest one is one step: a frozen worker that wakes
    up finds its folder gone.
    """
    folder = _run_folder(store, study, run)
    mine = folder / f"attempt-{run.attempt}"
    earlier = _attempts(folder)
    if earlier and not mine.exists():
        with suppress(FileNotFoundError):
            earlier[-1].rename(mine)
    return Checkpoints(mine, _identity(study, run))


def run_checkpoints(store: Store, study: StudyRecord, run: RunRecord) -> Checkpoints:
    """The checkpoints of a run as they stand, for reading."""
    folder = _run_folder(store, study, run)
    attempts = _attempts(folder) or [folder / f"attempt-{run.attempt}"]
    return Checkpoints(attempts[-1], _identity(study, run))


def _run_folder(store: Store, study: StudyRecord, run: RunRecord) -> Path:
    return study_folder(store, study) / f"trial-{run.slot}"


def _attempts(folder: Path) -> list[Path]:
    found = [(path, _ATTEMPT.fullmatch(path.name)) for path in folder.glob("attempt-*")]
    numbered = [(int(match[1]), path) for path, match in found if match is not None]
    return [path for _, path in sorted(numbered)]


def _identity(study: StudyRecord, run: RunRecord) -> str:
    assert run.plan is not None
    recipe = StudyConfig.from_json(study.config).recipe
    parts = (study.host_fingerprint, study.data_fingerprint, recipe.digest, run.plan.digest, str(run.seed))
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
