"""Whoever only looks changes no byte of a database, whoever made it and whenever."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from command_line import DATABASE, Finished, call
from older import take_back
from optuna.storages import RDBStorage
from starlette.testclient import TestClient

from lrlc_nas.dashboard import application, open_storage
from lrlc_nas.dashboard.guard import ENTRANCE
from lrlc_nas.store import Store

LINES = ("list", "show small", "report small -o small.html", "power small", "export small -o best")


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def foreign(path: Path) -> None:
    """Somebody's own table, which has the name of one of Optuna's."""
    execute(path, "CREATE TABLE studies (study_name TEXT)", "INSERT INTO studies VALUES ('small')")


def old_optuna(path: Path) -> None:
    """As Optuna 2.4 left it: without the tables that came later."""
    RDBStorage(f"sqlite:///{path}").engine.dispose()
    execute(
        path,
        "DROP TABLE trial_heartbeats",
        "UPDATE alembic_version SET version_num = 'v2.4.0.a'",
        "UPDATE version_info SET library_version = '2.4.0'",
    )


def empty(path: Path) -> None:
    path.touch()


def test_optuna_itself_changes_an_old_database(tmp_path: Path) -> None:
    """So the tests below could fail."""
    old_optuna(tmp_path / DATABASE)
    before = (tmp_path / DATABASE).read_bytes()
    with pytest.raises(RuntimeError, match="optuna storage upgrade"):
        RDBStorage(f"sqlite:///{tmp_path / DATABASE}")
    assert (tmp_path / DATABASE).read_bytes() != before


@pytest.mark.parametrize("line", [*LINES, "cards small -o cards", "dashboard"])
@pytest.mark.parametrize("make", [foreign, old_optuna, empty])
def test_a_database_without_studies_of_ours(tmp_path: Path, make: Callable[[Path], None], line: str) -> None:
    make(tmp_path / DATABASE)
    before = (tmp_path / DATABASE).read_bytes()
    done = call(*line.split())
    assert done.code == (0 if line == "list" else 2), done
    assert "no study" in done.out + done.err
    assert (tmp_path / DATABASE).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {DATABASE}


@pytest.fixture
def older(tmp_path: Path, finished: Finished) -> Path:
    """A finished study as the first version of this package would have left it."""
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    path = tmp_path / DATABASE
    take_back(path, "0001")
    return path


def test_a_database_of_an_older_version_is_read_as_it_is(older: Path) -> None:
    before = older.read_bytes()
    for line in LINES:
        done = call(*line.split())
        assert (done.code, done.err) == (0, ""), line
        assert older.read_bytes() == before, line


def test_the_dashboard_reads_it_as_it_is(older: Path) -> None:
    before = older.read_bytes()
    store = Store(f"sqlite:///{older}")
    storage = open_storage(store)
    pages = application(store, storage, token="a-token", writable=False)
    client = TestClient(pages, base_url="http://127.0.0.1:8080")
    assert client.get(ENTRANCE, params={"token": "a-token"}).status_code == 200
    for page in ("/", "/studies/1"):
        assert client.get(page).status_code == 200, page
    client.close()
    storage.engine.dispose()
    store.engine.dispose()
    assert older.read_bytes() == before
