"""A run trains on while the database is away, and what it finds is what it would have found."""

import math
import random
import sqlite3

import pytest
import toy_study
import troubled_hosts
from slow_cases import mostly_slow
from sqlalchemy.engine.default import DefaultDialect

from lrlc_nas.engine import pending_epochs as outbox
from lrlc_nas.engine import start_study
from lrlc_nas.errors import OutageError
from lrlc_nas.store import Store, retry
from lrlc_nas.training.run import Run

EPOCH = 3
"""Steps of training in one epoch of the toy study."""

RUN = 3 * EPOCH
"""Those of a run that is not pruned."""


class Outages:
    """Takes the database of this process away while some steps of training are made.

    Attributes:
        steps: how many were made.
        made_away: how many of them without a database.
        away: says of a step whether the database is away from then on.
        tries: how often in a row it is away; where nothing trains, no step would bring it back.
    """

    def __init__(self, away):
        self.steps = self.made_away = self.refused = 0
        self.away = away
        self.tries = 30

    def step(self):
        self.steps += 1
        self.refused = 0
        self.made_away += self.away(self.steps - 1)

    def require_database(self):
        if self.refused < self.tries and self.away(self.steps):
            self.refused += 1
            error = sqlite3.OperationalError("database is away")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error


@pytest.fixture
def outages(monkeypatch):
    outages = Outages(lambda step: False)
    step, execute = Run._step, DefaultDialect.do_execute

    def counted(run, *arguments):
        outages.step()
        return step(run, *arguments)

    def guarded(dialect, *arguments, **options):
        outages.require_database()
        return execute(dialect, *arguments, **options)

    monkeypatch.setattr(Run, "_step", counted)
    monkeypatch.setattr(DefaultDialect, "do_execute", guarded)
    monkeypatch.setattr(retry, "_FIRST_SECONDS", 0.001)
    monkeypatch.setattr(retry, "_LONGEST_SECONDS", 0.001)
    monkeypatch.setattr(outbox, "_HICCUP_SECONDS", 0.01)
    return outages


def test_epochs_are_trained_while_the_database_is_away_and_recorded_when_it_is_back(
    store, study, uninterrupted, outages, caplog
):
    outages.away = lambda step: 2 <= step < 2 * EPOCH + 2
    toy_study.work(store)
    assert outages.made_away == 2 * EPOCH
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)
    assert caplog.messages == [
        f"storage {store.shown}: the database does not answer: database is away; "
        "run 0 trains on, its epochs wait in its checkpoints",
        "the database answers again; run 0: 3 epochs that waited are recorded",
    ]


@pytest.mark.parametrize("seed", mostly_slow(range(3), 0))
def test_a_study_that_loses_its_database_again_and_again_finds_the_same(store, study, uninterrupted, outages, seed):
    """Runs are pruned in it, so verdicts had to wait too."""
    drawn = random.Random(seed)
    absent = [False] + [phase for _ in range(200) for phase in [drawn.random() < 0.5] * drawn.randint(1, 7)]
    outages.away = absent.__getitem__
    toy_study.work(store)
    outages.away = lambda step: False
    assert outages.made_away > 2 * EPOCH
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)
    assert {run.attempt for run in store.runs(study.record)} == {1}


def test_a_worker_that_ends_while_it_is_away_leaves_no_epoch_to_be_trained_again(store, study, uninterrupted, outages):
    outages.away = lambda step: step >= 2
    toy_study.work(store, should_stop=lambda: outages.steps == 2 * EPOCH + 1)
    outages.away = lambda step: False
    (held,) = (run for run in store.runs(study.record) if run.state == "running")
    assert (held.number, held.epoch, outages.steps) == (0, 0, 2 * EPOCH + 1)
    let_claims_run_out(store)
    outages.steps = 0
    toy_study.work(store)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    epochs = sum(run.epoch for run in store.runs(study.record))
    assert outages.steps == (epochs - 2) * EPOCH


def test_what_a_run_reached_before_its_own_error_is_recorded_first(store, tmp_path, outages):
    undisturbed = Store(f"sqlite:///{tmp_path}/undisturbed.db")
    for place in (undisturbed, store):
        study = start_study(place, troubled_hosts.config("nan", 2)).record
        outages.steps = outages.made_away = 0
        toy_study.work(place)
        outages.away = lambda step: RUN + 2 <= step <= 2 * RUN
    (troubled,) = (run for run in store.runs(study) if run.state == "pruned")
    assert (troubled.number, troubled.epoch, outages.made_away) == (1, 2, RUN - 1)
    assert troubled.reason.startswith("diverged: ")
    assert toy_study.trace(store) == toy_study.trace(undisturbed)
    toy_study.assert_mirrored(store)
    undisturbed.engine.dispose()


def test_who_takes_the_run_over_meanwhile_keeps_it(store, study, uninterrupted, outages):
    """The database is away for one worker alone."""
    outages.away = lambda step: 2 <= step <= 2 * EPOCH

    def taken():
        if outages.steps == 2 * EPOCH and outages.away(outages.steps):
            with sqlite3.connect(store.url.database) as other:
                other.execute("UPDATE nas_run SET attempt = 2, expires = 0, state = 'waiting' WHERE number = 0")
            other.close()
        return False

    toy_study.work(store, should_stop=taken)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    assert store.runs(study.record)[0].attempt == 3


def test_after_all_patience_the_run_is_left_to_whoever_comes_next(store, study, uninterrupted, outages):
    outages.away, outages.tries = (lambda step: step >= 2), math.inf
    with pytest.raises(OutageError, match="does not answer: database is away"):
        toy_study.work(store, retry_seconds=0.5)
    assert outages.steps == RUN, "it was trained to its end, and its epochs wait"
    outages.away = lambda step: False
    let_claims_run_out(store)
    toy_study.work(store)
    assert outages.steps == sum(run.epoch for run in store.runs(study.record)) * EPOCH
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)


def let_claims_run_out(store):
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE nas_run SET expires = 0")
