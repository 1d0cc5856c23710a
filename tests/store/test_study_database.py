"""A SQLite file is read without SQLAlchemy, and what is read is the same."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, a_plan, add_study

from lrlc_nas.facts import RunState
from lrlc_nas.store import (
    KernelChoices,
    Store,
    add_test_opening,
    claim,
    finish,
    plan_run,
    progress,
    record_epoch,
    shown,
)
from lrlc_nas.store import test_openings as openings
from lrlc_nas.store.study_database import StudyDatabase
from lrlc_nas.store.url import plain_path

READS = {
    "names": lambda store, study: store.names(),
    "study": lambda store, study: store.study(study.name),
    "confirmation": lambda store, study: (store.confirmation_of(study), store.search_of(study)),
    "runs": lambda store, study: store.runs(study),
    "ended": lambda store, study: store.last_ended(study, 2),
    "epochs": lambda store, study: store.epochs(study),
    "epochs of a run": lambda store, study: [store.run_epochs(run) for run in store.runs(study)],
    "counts": lambda store, study: (store.counts(study), store.is_done(study), progress(store, study)),
    "values": lambda store, study: store.values(study, 1),
    "openings": openings,
    "kernel choices": lambda store, study: KernelChoices(store, study).all(),
}


@pytest.fixture
def filled(store):
    """A study with a run that has ended, one at work, one that waits, and all else that is read."""
    study = add_study(store, [WAITING] * 3)
    for number in range(2):
        held = claim(store, study, "me", FOREVER)
        plan_run(store, held, a_plan(number + 1), 2**40, 2**50)
        for epoch in (an_epoch(0, 0.1 + 0.2, 1e-17, loss=5e-324), an_epoch(1, 2 / 3, 1e16 + 2)):
            record_epoch(store, held, epoch)
        if number == 0:
            finish(store, held, RunState.COMPLETE, value=1 / 3, facts={"ä": [None, 0.1]})
    add_test_opening(store, study, {"arm": "host"})
    KernelChoices(store, study).setdefault("a layer", "bank")
    return study


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_the_file_and_sqlalchemy_tell_the_same(store, filled, monkeypatch, read):
    quick = Store(f"sqlite:///{store.path}")
    found = read(quick, filled)
    monkeypatch.setattr(StudyDatabase, "is_present", lambda self: False)
    assert found == read(store, filled)
    assert repr(found) == repr(read(store, filled))  # 1 and 1.0 are equal


@pytest.mark.parametrize(
    "text",
    [
        "a.db",
        "/a/b c+d/e-f~.db",
        "x/../y.db",
        "ü.db",
        "a%20b.db",
        "a.db?timeout=1",
        "a@b:c.db",
        ":memory:",
        "",
        "a.db ",
        "#",
    ],
)
def test_a_plain_url_means_what_sqlalchemy_takes_it_for(text):
    url = f"sqlite:///{text}"
    path = plain_path(url)
    assert path is None or (path == Path(make_url(url).database) and shown(make_url(url)) == url)


def test_nothing_is_made_by_reading(tmp_path):
    assert Store(f"sqlite:///{tmp_path}/none.db").names() == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_at_once_is_waited_for(store, filled):
    reader = Store(f"sqlite:///{store.path}")
    assert reader.names() == ["toy"]
    store.engine.dispose()
    with closing(sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
        assert len(reader.runs(filled)) == 3
    reader.engine.dispose()
