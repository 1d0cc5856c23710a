"""Calls outlast a database that does not answer, and may be repeated when an answer was lost."""

import logging
import sqlite3
import threading
from types import SimpleNamespace

import psycopg
import pymysql
import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, a_plan, add_study, make_store

from lrlc_nas.errors import FencedError, InputError, StorageError
from lrlc_nas.store import (
    KernelChoices,
    add_test_opening,
    claim,
    finish,
    note,
    plan_run,
    record_epoch,
    record_results,
    release,
    release_dead,
    renew,
    set_trial,
)
from lrlc_nas.store import retry as retry_module
from lrlc_nas.store import test_openings as openings
from lrlc_nas.store.retry import RetryPolicy, is_outage, retry
from lrlc_nas.store.study_database import StudyDatabase


def sqlite_error(code, kind=sqlite3.OperationalError):
    error = kind("why")
    error.sqlite_errorcode = code
    return error


def of(driver, kind=OperationalError, **options):
    return kind("SELECT secret", {"a": "secret"}, driver, **options)


LOCKED = of(sqlite_error(5))

PASSING = [
    LOCKED,
    of(sqlite_error(6)),
    of(sqlite_error(5 | 2 << 8)),  # SQLITE_BUSY_SNAPSHOT
    of(psycopg.OperationalError("connection refused")),
    of(psycopg.errors.AdminShutdown()),
    of(psycopg.errors.CannotConnectNow()),
    of(psycopg.errors.TooManyConnections()),
    of(psycopg.errors.DeadlockDetected()),
    of(psycopg.InterfaceError("the connection is closed"), InterfaceError),
    of(pymysql.OperationalError(2003, "Can't connect")),
    of(pymysql.OperationalError(2006, "gone away")),
    of(pymysql.OperationalError(2013, "lost")),
    of(pymysql.OperationalError(1213, "deadlock")),
    of(pymysql.InterfaceError(0, ""), InterfaceError),
    of(pymysql.InternalError(1, "?"), DBAPIError, connection_invalidated=True),
]

STAYING = [
    of(sqlite_error(1)),  # no such table
    of(sqlite_error(13)),  # disk full
    of(sqlite_error(19, sqlite3.IntegrityError), IntegrityError),
    of(sqlite3.InterfaceError("binding"), InterfaceError),
    of(psycopg.errors.UniqueViolation(), IntegrityError),
    of(psycopg.errors.UndefinedTable(), ProgrammingError),
    of(psycopg.errors.InvalidPassword()),
    of(psycopg.errors.SyntaxError(), ProgrammingError),
    of(pymysql.OperationalError(1054, "Unknown column")),
    of(pymysql.OperationalError(1045, "Access denied")),
    of(pymysql.IntegrityError(1062, "Duplicate"), IntegrityError),
    FencedError("taken"),
    InputError("wrong"),
    ValueError("bug"),
    OSError(28, "disk"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_outages_pass(error):
    assert is_outage(error)


@pytest.mark.parametrize("error", STAYING, ids=repr)
def test_other_errors_stay(error):
    assert not is_outage(error)


@pytest.mark.parametrize(("cause", "passes"), [(PASSING[3], True), (STAYING[4], False)])
def test_optunas_errors_are_judged_by_their_cause(cause, passes):
    with pytest.raises(StorageInternalError) as caught:
        raise StorageInternalError from cause
    assert is_outage(caught.value) is passes


def test_the_end_of_a_patience_is_no_outage_again():
    with pytest.raises(StorageError) as caught:
        retry(Failing(10), RetryPolicy(), "x")
    assert not is_outage(caught.value)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only waiting moves; what was waited."""
    naps = []
    fake = SimpleNamespace(monotonic=lambda: sum(naps), sleep=naps.append)
    monkeypatch.setattr(retry_module, "time", fake)
    monkeypatch.setattr(retry_module.random, "uniform", lambda low, high: high)
    return naps


class Failing:
    """A call that fails some times."""

    def __init__(self, times, error=LOCKED):
        self.times, self.error, self.calls = times, error, 0

    def __call__(self):
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "answer"


def test_the_waits_double_up_to_five_seconds(clock):
    assert retry(Failing(8), RetryPolicy(600.0), "x") == "answer"
    assert clock == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


def test_workers_do_not_come_back_in_one_moment(monkeypatch):
    naps = []
    monkeypatch.setattr(retry_module, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=naps.append))
    retry(Failing(40), RetryPolicy(600.0), "x")
    assert len({round(nap, 6) for nap in naps[8:]}) > 20
    assert all(2.5 <= nap <= 5.0 for nap in naps[8:])


@pytest.mark.parametrize("seconds", [0.0, 0.05, 10.0, 600.0])
def test_patience_ends_when_it_was_told(clock, seconds):
    call = Failing(10**6)
    lasted = f" for {seconds:.0f} s" if seconds >= 1 else ""
    with pytest.raises(StorageError, match=rf"^storage x: the database does not answer{lasted}: why$") as caught:
        retry(call, RetryPolicy(seconds), "x")
    assert sum(clock) == pytest.approx(seconds)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_who_has_to_stop_has_no_patience(clock):
    with pytest.raises(StorageError, match="does not answer for 3 s: why"):
        retry(Failing(10**6), RetryPolicy(600.0, lambda: sum(clock) > 2), "x")


def test_without_patience_a_call_is_made_once(clock):
    call = Failing(1)
    with pytest.raises(StorageError):
        retry(call, RetryPolicy(), "x")
    assert (call.calls, clock) == (1, [])


@pytest.mark.parametrize("error", STAYING, ids=repr)
def test_what_does_not_pass_is_not_tried_again(clock, error):
    call = Failing(1, error)
    with pytest.raises(type(error)) as caught:
        retry(call, RetryPolicy(600.0), "x")
    assert caught.value is error
    assert (call.calls, clock) == (1, [])


@pytest.mark.parametrize(("failures", "words"), [(0, 0), (1, 0), (2, 2), (30, 2)])
def test_an_outage_is_told_once_and_a_hiccup_never(clock, caplog, failures, words):
    with caplog.at_level(logging.WARNING):
        retry(Failing(failures), RetryPolicy(600.0), "sqlite:///x")
    assert len(caplog.records) == words
    if words:
        assert caplog.messages[0] == "storage sqlite:///x: the database does not answer, waiting: why"
        assert caplog.messages[1].startswith("storage sqlite:///x: the database answers again after ")
        assert "secret" not in caplog.text


def test_a_file_that_somebody_locks_is_waited_for(tmp_path):
    store = make_store(tmp_path)
    study = add_study(store, [WAITING])
    other = sqlite3.connect(tmp_path / "studies.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    store.engine.dispose()
    with store.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout = 1")
        connection.rollback()
    with pytest.raises(StorageError, match="does not answer: database is locked"):
        claim(store, study, "me", FOREVER)
    threading.Timer(0.5, lambda: other.execute("ROLLBACK")).start()
    assert claim(store.retrying(60.0), study, "me", FOREVER).run.number == 0
    other.close()
    store.engine.dispose()


@pytest.mark.parametrize("read", ["runs", "epochs", "counts", "is_done"])
def test_commands_fail_at_once_and_workers_wait(store, study, monkeypatch, clock, read):
    begin = store.engine.dialect.do_execute
    failing = Failing(3)
    monkeypatch.setattr(StudyDatabase, "is_present", lambda self: False)  # as if it were a server

    def do_execute(*arguments, **options):
        failing()
        return begin(*arguments, **options)

    wanted = getattr(store, read)(study)
    monkeypatch.setattr(store.engine.dialect, "do_execute", do_execute)
    failing.error = sqlite_error(5)
    with pytest.raises(StorageError, match=r"^storage sqlite:///.*: the database does not answer: why$"):
        getattr(store, read)(study)
    assert getattr(store.retrying(), read)(study) == wanted
    assert failing.calls > 3


def test_a_patient_store_is_the_same_database(store, study):
    assert store.retrying().engine is store.engine
    assert store.retrying().study("toy") == study
    assert store.retrying().url == store.url


# Each write of a worker: what it does with a claim, on a store.
WRITES = {
    "renew": lambda store, study, held: renew(store, held),
    "release": lambda store, study, held: release(store, held),
    "release_dead": lambda store, study, held: release_dead(store, study) and None,
    "set_trial": lambda store, study, held: set_trial(store, study, 1, 77),
    "plan_run": lambda store, study, held: plan_run(store, held, a_plan(2), 5, 6),
    "record_epoch": lambda store, study, held: record_epoch(store, held, an_epoch(0)),
    "note": lambda store, study, held: note(store, held, {"a": 1}),
    "finish": lambda store, study, held: finish(store, held, "complete", value=0.5, reason="r", facts={"a": 2}),
    "claim": lambda store, study, held: claim(store, study, "me", FOREVER).run.number,
    "setdefault": lambda store, study, held: KernelChoices(store, study).setdefault("here", "bank"),
}


def written(folder, write, monkeypatch, *, lost):
    """What a write returns and leaves behind; its answer is lost once, or not."""
    folder.mkdir()
    store = make_store(folder)
    study = add_study(store, [WAITING] * 3, trials=False)
    for number in (0, 2):
        set_trial(store, study, number, number)
    held = claim(store, study, "me", FOREVER)
    commit = store.engine.dialect.do_commit
    answers = []

    def do_commit(connection):
        commit(connection)
        answers.append(True)
        if lost and len(answers) == 1:
            raise sqlite_error(5)

    with monkeypatch.context() as patch:
        patch.setattr(store.engine.dialect, "do_commit", do_commit)
        result = WRITES[write](store.retrying(60.0), study, held)
    assert answers, "nothing was committed"
    with store.engine.connect() as connection:
        tables = [
            connection.execute(text(f"SELECT * FROM {table}")).mappings().all()
            for table in ("nas_run", "nas_epoch", "nas_kernel_choice")
        ]
    store.engine.dispose()
    moments = ("expires", "started", "finished")
    return result, [[{k: v for k, v in row.items() if k not in moments} for row in rows] for rows in tables]


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_answer_changes_nothing(tmp_path, write, monkeypatch):
    answered = written(tmp_path / "answered", write, monkeypatch, lost=False)
    assert written(tmp_path / "lost", write, monkeypatch, lost=True) == answered


def test_a_claim_that_somebody_took_after_its_answer_was_lost_is_not_ours(store, study, monkeypatch):
    """The outage was longer than the lease, and another worker came back first."""
    commit, commits = store.engine.dialect.do_commit, []

    def do_commit(connection):
        commit(connection)
        commits.append(True)
        if len(commits) == 1:
            with sqlite3.connect(store.url.database) as other:
                other.execute("UPDATE nas_run SET attempt = 2, worker_id = 'other' WHERE number = 0")
            other.close()
            raise sqlite_error(5)

    monkeypatch.setattr(store.engine.dialect, "do_commit", do_commit)
    assert claim(store.retrying(60.0), study, "me", FOREVER).run.number == 1
    assert [run.worker_id for run in store.runs(study)] == ["other", "me", ""]


def test_a_plan_is_not_taken_for_another_ones_that_was_reserved_before(store, study):
    held = claim(store, study, "me", FOREVER)
    assert plan_run(store, held, a_plan(2), 5, 6)
    assert plan_run(store, held, a_plan(2), 5, 6)
    with pytest.raises(FencedError):
        plan_run(store, held, a_plan(3), 5, 6)


def test_an_opening_of_the_test_images_is_recorded_once_or_told(store, study, monkeypatch):
    commit = store.engine.dialect.do_commit

    def do_commit(connection):
        commit(connection)
        raise sqlite_error(5)

    with monkeypatch.context() as patch:
        patch.setattr(store.engine.dialect, "do_commit", do_commit)
        with pytest.raises(StorageError, match="the database does not answer: why"):
            add_test_opening(store.retrying(60.0), study, {"arms": {}})
    (look,) = openings(store, study)
    record_results(store, look, {"x": 1})
    assert openings(store, study)[0].results == {"x": 1}
