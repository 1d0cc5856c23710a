"""Somebody else locks the SQLite file while a worker trains."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager

import pytest
import toy_study

from lrlc_nas.errors import StorageError
from lrlc_nas.store import sqlite_path
from lrlc_nas.store.databases.sqlite import SQLite


@contextmanager
def outsider(store, seconds):
    """Somebody who takes the whole file once epochs are recorded, from a thread with a connection of its own."""
    path, over, held = sqlite_path(store.url), threading.Event(), []

    def lock():
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            while not over.is_set():
                if connection.execute("SELECT count(*) FROM nas_epoch").fetchone()[0] > 2:
                    connection.execute("BEGIN EXCLUSIVE")
                    held.append(time.monotonic())
                    over.wait(seconds)
                    connection.execute("ROLLBACK")
                    return
                time.sleep(0.001)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield held
    finally:
        over.set()
        thread.join()


def test_a_lock_of_some_seconds_fails_no_run(store, study, uninterrupted):
    began = time.monotonic()
    with outsider(store, 3.0) as held:
        toy_study.work(store)
    assert held
    assert time.monotonic() - began > 3.0, "the worker did not have to wait"
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)


def test_a_lock_beyond_patience_is_one_error_that_names_the_file(store, study, uninterrupted, monkeypatch):
    monkeypatch.setattr(SQLite, "busy_seconds", 0.2)
    store = type(store)(str(store.url))
    with outsider(store, 600.0) as held:
        with pytest.raises(
            StorageError, match=rf"{store.url.database}: the database does not answer for \d+ s: database is locked"
        ):
            toy_study.work(store, retry_seconds=1.0)
        assert held
    runs = store.runs(study.record)
    assert {run.state for run in runs} <= {"complete", "pruned", "running", "waiting"}
    assert {run.state for run in runs} & {"running", "waiting"}
    with store.engine.begin() as connection:  # as after the time of the lease
        connection.exec_driver_sql("UPDATE nas_run SET expires = 0")
    toy_study.work(store)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    store.engine.dispose()
