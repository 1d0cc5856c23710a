"""A study that was interrupted ends as one that was not: same plans, same metrics, same ends, to the last bit."""

import itertools

import pytest
import toy_study
from sqlalchemy import Engine, event

from lrlc_nas.engine import resume_study, start_study


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, and what was not committed is lost."""


def recorded_epochs(store):
    return sum(map(len, store.epochs(store.study("toy")).values()))


def test_stopped_after_every_epoch(store, study, uninterrupted):
    stops = 0
    while not store.is_done(store.study("toy")):
        before = recorded_epochs(store)
        toy_study.work(store, should_stop=lambda: recorded_epochs(store) > before)  # noqa: B023 - used at once
        stops += 1
    assert stops > 20
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    resume_study(store, "toy")
    toy_study.assert_mirrored(store)


@pytest.fixture
def dying(monkeypatch):
    """Let this process look dead to the next life, and raise `Killed` before a chosen commit."""
    left = [0]

    def commit(connection):
        left[0] -= 1
        if left[0] == 0:
            connection.connection.dbapi_connection.rollback()  # as the death of a process does
            raise Killed

    host, pid, started = toy_study.this_process().split("/")
    lives = itertools.count(1)
    monkeypatch.setattr(
        "lrlc_nas.engine.worker.this_process", lambda: f"{host}/{pid}/{float(started) - 60 * next(lives)}"
    )
    # The dead release nothing.
    monkeypatch.setattr("lrlc_nas.engine.worker.release", lambda store, held: None)
    event.listen(Engine, "commit", commit)
    yield left
    event.remove(Engine, "commit", commit)


def live(store):
    if "toy" not in store.names():
        start_study(store, toy_study.config())
    toy_study.work(store)


def test_killed_before_ever_later_commits(store, uninterrupted, dying):
    """As SQLite tests its writes: each life dies a little later than the one before, until one need not die."""
    for deaths in itertools.count():
        dying[0] = 1 + 3 * deaths
        try:
            live(store)
        except Killed:
            continue
        break
    dying[0] = 0
    assert deaths > 12
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)
