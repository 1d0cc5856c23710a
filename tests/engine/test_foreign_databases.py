"""A database that a study cannot use is refused before a byte of it is changed."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import toy_study
from optuna.storages import RDBStorage

from lrlc_nas.engine import resume_study, start_study
from lrlc_nas.errors import StorageError
from lrlc_nas.store import Store

NOBODY = 65534


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_optunas(path: Path, *statements: str) -> None:
    RDBStorage(f"sqlite:///{path}").engine.dispose()
    execute(path, *statements)


def old(path: Path) -> None:
    make_optunas(
        path,
        "DROP TABLE trial_heartbeats",
        "UPDATE alembic_version SET version_num = 'v2.4.0.a'",
        "UPDATE version_info SET library_version = '2.4.0'",
    )


def oldest(path: Path) -> None:
    """Before Optuna used alembic."""
    make_optunas(
        path, "DROP TABLE alembic_version", "UPDATE version_info SET schema_version = 11, library_version = '0.8.0'"
    )


def newer(path: Path) -> None:
    make_optunas(
        path, "UPDATE alembic_version SET version_num = 'v9.9.9'", "UPDATE version_info SET library_version = '9.9.9'"
    )


def another_application(path: Path) -> None:
    execute(path, "CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('1f')")


def other_tables(path: Path) -> None:
    execute(path, "CREATE TABLE studies (study_name TEXT)")


def garbage(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


def damaged(path: Path) -> None:
    """A database to look at, and garbage after its first page."""
    make_optunas(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


REFUSED: dict[Callable[[Path], None], str] = {
    old: r"made by Optuna 2\.4\.0 \(schema v2\.4\.0\.a\), this is Optuna [\d.]+; 'optuna storage upgrade",
    oldest: r"made by Optuna 0\.8\.0 \(schema 11\), this is Optuna [\d.]+; 'optuna storage upgrade",
    newer: r"made by Optuna 9\.9\.9 \(schema v9\.9\.9\), this is Optuna [\d.]+; upgrade Optuna",
    another_application: r"made by Optuna \? \(schema 1f\), this is Optuna",
    other_tables: r"its table studies is not Optuna's, which has a column study_id; give the study a database of",
    garbage: "is not a SQLite database",
    damaged: "malformed",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_it_is_refused_as_it_is(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "studies.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=REFUSED[make]):
        start_study(Store(f"sqlite:///{path}"), toy_study.config())
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["studies.db"]


def test_a_study_whose_optuna_tables_are_newer_is_not_resumed(tmp_path: Path) -> None:
    path = tmp_path / "studies.db"
    store = Store(f"sqlite:///{path}")
    start_study(store, toy_study.config())
    store.engine.dispose()
    execute(path, "UPDATE alembic_version SET version_num = 'v9.9.9'")
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"schema v9\.9\.9"):
        resume_study(store, "toy")
    store.engine.dispose()
    assert path.read_bytes() == before


@pytest.mark.parametrize("make", [make_optunas, Path.touch], ids=["optunas", "empty"])
def test_a_file_that_may_only_be_read(make: Callable[[Path], None], tmp_path: Path) -> None:
    start_study(Store(f"sqlite:///{tmp_path}/other.db"), toy_study.config())  # imports all that is needed
    with open_folder() as folder:
        path = folder / "studies.db"
        make(path)
        path.chmod(0o444)
        folder.chmod(0o555)
        before = path.read_bytes()
        with nobody(), pytest.raises(StorageError, match=r"must be writable|Permission denied|unable to open"):
            start_study(Store(f"sqlite:///{path}"), toy_study.config())
        folder.chmod(0o755)
        assert path.read_bytes() == before
        assert [each.name for each in folder.iterdir()] == ["studies.db"]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user to whom permissions mean something; the administrator may write to everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
