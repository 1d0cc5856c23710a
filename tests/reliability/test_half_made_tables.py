"""Killed while Optuna's tables are made: each statement of theirs is committed alone where the database says so."""

import os
import signal
from pathlib import Path

import pytest
from slow_cases import mostly_slow
from sqlalchemy import Engine, event

from tests.reliability.lives import end, live, spawn
from tests.reliability.places import opened_store
from tests.reliability.promises import broken


def live_until_made(folder: Path, what: str) -> None:
    """Live, and die by SIGKILL once a statement has been executed that begins so."""

    @event.listens_for(Engine, "after_cursor_execute")
    def _(_connection, _cursor, statement, *_rest):
        if " ".join(statement.split()).startswith(what):
            os.kill(os.getpid(), signal.SIGKILL)

    live(folder)


MOMENTS = ("CREATE TABLE studies ", "CREATE TABLE trials ", "CREATE UNIQUE INDEX ix_studies")


@pytest.mark.parametrize("what", mostly_slow(MOMENTS, MOMENTS[0]))
def test_whoever_comes_next_makes_the_rest(what, tmp_path):
    assert end(spawn(live_until_made, tmp_path, what)) == -signal.SIGKILL
    assert end(spawn(live, tmp_path)) == 0
    with opened_store(tmp_path) as store:
        assert broken(store) == []
