"""What a SQLite file does not bear is refused with exit code 2 and a word on PostgreSQL; nothing is written."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from command_line import DATABASE, Done, call, query

from lrlc_nas.store import sqlite_limits as sharing
from lrlc_nas.store import this_process


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def began(*_: object) -> None:
        raise AssertionError("what had to be refused began to train")

    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.run", began)


@pytest.fixture
def database(tmp_path: Path, untrained: bytes) -> Path:
    path = tmp_path / DATABASE
    path.write_bytes(untrained)
    return path


def assert_refused(done: Done, message: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(f"Error: {message}.*\n", done.err), done.err
    assert "PostgreSQL (--storage postgresql://USER@HOST/DATABASE)" in done.err


def hold_from_elsewhere(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE nas_run SET state = 'running', attempt = 1, worker_id = 'far/7/1.00', expires = 9e9 "
            "WHERE number = 0"
        )


@pytest.mark.parametrize("line", ["start --name other", "resume small", "confirm small"])
def test_seventeen_workers(tmp_path: Path, database: Path, line: str) -> None:
    before = database.read_bytes()
    done = call(*line.split(), "--workers", "17")
    assert_refused(done, r"storage sqlite:///lrlc-nas\.db: a SQLite file takes at most 16 workers, .*; got 17")
    assert database.read_bytes() == before
    assert not (tmp_path / "lrlc-nas.runs").exists()


def test_seventeen_workers_of_a_study_that_would_be_the_first(tmp_path: Path) -> None:
    assert_refused(call("start", "--workers", "17"), r"storage .* at most 16 workers")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["start --name other", "resume small", "confirm small", "worker small"])
def test_workers_of_two_machines(database: Path, line: str) -> None:
    hold_from_elsewhere(database)
    done = call(*line.split())
    assert_refused(done, r"storage sqlite:///lrlc-nas\.db: a worker on far holds a run in this SQLite file")
    assert query(database.parent, "SELECT worker_id, attempt FROM nas_run WHERE attempt > 0") == [("far/7/1.00", 1)]


def test_a_worker_of_its_own_counts_with_those_that_are_at_work(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE nas_run SET state = 'running', attempt = 1, worker_id = ?, expires = 9e9 WHERE number = 0",
            [this_process()],
        )
    monkeypatch.setattr(sharing, "MOST_WORKERS", 1)
    assert_refused(call("worker", "small"), "storage .*; 1 hold runs in it, and 1 more are wanted")


@pytest.mark.parametrize(("words", "keep"), [([], "best"), (["--keep", "all"], "all")])
def test_which_checkpoints_stay_is_recorded(tmp_path: Path, study_file: Path, words: list[str], keep: str) -> None:
    assert call("start", str(study_file), "--workers", "0", *words).code == 0
    ((config,),) = query(tmp_path, "SELECT config FROM nas_study")
    assert json.loads(str(config))["files"] == {"keep": keep}


def test_another_word_than_best_and_all_is_refused(tmp_path: Path, study_file: Path) -> None:
    done = call("start", str(study_file), "--keep", "none")
    assert done.code == 2
    assert "files.keep: input should be 'best' or 'all'; got 'none'" in done.err
    assert list(tmp_path.iterdir()) == []
