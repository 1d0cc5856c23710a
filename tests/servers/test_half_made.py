"""Killed while tables are made or brought forward: MySQL commits each statement, whatever comes after it."""

import os
import signal

import pytest
from older import create_older
from slow_cases import mostly_on
from sqlalchemy import Engine, event, inspect

from lrlc_nas.engine import start_study
from lrlc_nas.errors import StorageError
from lrlc_nas.search.optuna_view import create_optuna_tables
from lrlc_nas.store import Store, require_present_version
from lrlc_nas.store import advisory_lock as lock_module
from tests.reliability.lives import end, spawn
from tests.reliability.toy import NAME, toy_config

SLOW = pytest.mark.slow
MAKING = ("CREATE ", "ALTER ", "RENAME ", "DROP ", "INSERT INTO", "UPDATE ")


def look(url: str) -> None:
    """Whoever comes next looks first."""
    store = Store(url)
    store.names()
    store.engine.dispose()


def make_ours(url: str) -> None:
    store = Store(url)
    store.create()
    store.engine.dispose()


def make_optunas(url: str) -> None:
    store = Store(url)
    create_optuna_tables(store)
    store.engine.dispose()


def make_both(url: str) -> None:
    make_ours(url)
    make_optunas(url)


def make_until(number: int, make, url: str) -> None:
    """Make tables, and die by SIGKILL once so many statements that make something have been executed."""
    executed = []

    @event.listens_for(Engine, "after_cursor_execute")
    def _(_connection, _cursor, statement, *_rest):
        executed.extend([statement] if statement.lstrip().startswith(MAKING) else [])
        if len(executed) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    make(url)


def make_older(url: str, version: str) -> None:
    """Make our tables as an older version did."""
    store = Store(url)
    create_older(store, version)
    store.engine.dispose()


def schema(url: str) -> dict[str, object]:
    """All that a database holds: table to its columns and keys."""
    store = Store(url)
    there = inspect(store.engine)
    found = {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in there.get_columns(table)],
            there.get_pk_constraint(table)["constrained_columns"],
            sorted((each["name"], each["column_names"], each["unique"]) for each in there.get_indexes(table)),
            sorted(each["column_names"] for each in there.get_unique_constraints(table)),
            sorted(each["constrained_columns"] for each in there.get_foreign_keys(table)),
        )
        for table in there.get_table_names()
    }
    store.engine.dispose()
    return found


def kills(server, make, version: str = "", step: int = 1) -> int:
    """Kill who makes tables at the first statement, each later one or some, until one ends; how many statements."""
    url = server.new_database()
    make(url)
    made = schema(url)
    for number in range(1, 100, step):
        url = server.new_database()
        if version:
            make_older(url, version)
        if end(spawn(make_until, number, make, url)) != -signal.SIGKILL:
            return number - step
        look(url)
        make(url)
        assert schema(url) == made, number
    raise AssertionError("it does not end")


@mostly_on("mariadb")
@pytest.mark.parametrize(
    ("version", "statements", "step"),
    [
        pytest.param("", 25, 1, marks=SLOW),
        *(pytest.param(f"000{n}", 22 - 2 * n, 1, marks=SLOW) for n in (1, 2, 3, 4)),
        ("0004", 8, 7),
    ],
)
def test_whoever_comes_next_makes_the_rest_of_our_tables(server, version, statements, step):
    assert kills(server, make_ours, version, step) >= statements


@SLOW
def test_whoever_comes_next_makes_the_rest_of_optunas_tables(server):
    assert kills(server, make_optunas) > 12


@mostly_on("mariadb")
@pytest.mark.parametrize("number", [2, 9])
def test_a_study_starts_where_another_start_was_killed(server, url, number):
    assert end(spawn(make_until, number, make_ours, url)) == -signal.SIGKILL
    store = Store(url)
    start_study(store, toy_config(2, 1))
    assert store.names() == [NAME]
    require_present_version(store.engine)
    store.engine.dispose()


def test_two_that_make_tables_at_once_do_it_one_after_the_other(store, monkeypatch):
    monkeypatch.setattr(lock_module, "_WAIT_SECONDS", 0.5)
    other = Store(store.url.render_as_string(hide_password=False))
    with lock_module.advisory_lock(store.engine):
        with pytest.raises(StorageError, match="another process has been making its tables for 0 s"):
            other.create()
        assert not other.exists()
    other.create()
    assert other.exists()
    other.engine.dispose()


@mostly_on("postgresql")
def test_many_that_come_at_once_find_all_tables(server, url):
    processes = [spawn(make_both, url) for _ in range(4)]
    assert [end(process) for process in processes] == [0] * 4
    fresh = server.new_database()
    make_both(fresh)
    assert schema(url) == schema(fresh)
