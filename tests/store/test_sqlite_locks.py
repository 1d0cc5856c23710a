"""A process keeps the locks that SQLite holds for it, whatever else of ours touches the file.

POSIX takes all locks of a process on a file away when it closes the file anywhere. The next process to close its
connection then believes to be the last, and removes the write-ahead log under those that are left: they read
yesterday's rows for ever, and what they write is lost (sqlite.org/howtocorrupt.html, section 2.2).
"""

import subprocess
import sys

import pytest

from lrlc_nas.store import Store

ELSEWHERE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute(sys.argv[2]).fetchall()
connection.commit()
connection.close()
"""


def elsewhere(path, sql):
    """Another process that opens the file, executes a statement and closes it."""
    subprocess.run([sys.executable, "-c", ELSEWHERE, str(path), sql], check=True)


@pytest.mark.parametrize(
    "touch", [lambda store, url: None, lambda store, url: store.create(), lambda store, url: Store(url)]
)
def test_an_open_database_is_not_taken_away(touch, tmp_path):
    path = tmp_path / "studies.db"
    url = f"sqlite:///{path}"
    first = Store(url)
    first.create()
    first.engine.dispose()
    elsewhere(path, "CREATE TABLE seen (number INTEGER)")
    store = Store(url)
    with store.engine.connect() as connection:  # it stays open in the pool
        assert connection.exec_driver_sql("SELECT number FROM seen").all() == []
    touch(store, url)
    elsewhere(path, "SELECT * FROM nas_study")
    elsewhere(path, "INSERT INTO seen VALUES (7)")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM seen").all() == [(7,)]
    with store.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO seen VALUES (8)")
    store.engine.dispose()
    elsewhere(path, "UPDATE seen SET number = 10 * number")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM seen").all() == [(70,), (80,)]
    store.engine.dispose()
