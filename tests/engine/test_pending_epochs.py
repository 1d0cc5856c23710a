"""Epochs wait for the database in their order, and for no longer than they may."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.engine import pending_epochs as outbox
from lrlc_nas.engine.pending_epochs import PendingEpochs
from lrlc_nas.errors import FencedError, StorageError

PATIENCE = 600.0


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    fake = SimpleNamespace(now=0.0, monotonic=lambda: fake.now)
    monkeypatch.setattr(outbox, "time", fake)
    return fake


class Database:
    """Takes what it is sent while it is there, and says at what it ends the run."""

    def __init__(self, ends_at=None):
        self.away, self.taken, self.tries, self.ends_at = False, [], [], ends_at

    def take(self, result, seconds):
        self.tries.append(seconds)
        if self.away:
            raise StorageError("the database does not answer")
        self.taken.append(result)
        return "ended" if result == self.ends_at else None


@given(st.lists(st.booleans(), max_size=30))
def test_whenever_it_is_away_all_arrive_once_and_in_order(absences):
    database = Database()
    box = PendingEpochs(database.take, PATIENCE, "run 0")
    for epoch, database.away in enumerate(absences):
        assert box.put(epoch) is None
        assert database.taken == list(range(len(database.taken)))
        assert database.away or database.taken[-1] == epoch
    database.away = False
    assert box.flush() is None
    assert database.taken == list(range(len(absences)))


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.data())
def test_what_comes_after_the_end_of_a_run_is_not_recorded(absences, data):
    last = data.draw(st.integers(0, len(absences) - 1))
    database = Database(ends_at=last)
    box = PendingEpochs(database.take, PATIENCE, "run 0")
    outcome = None
    for epoch, database.away in enumerate(absences):
        outcome = box.put(epoch)
        if outcome:
            break
    database.away = False
    assert (outcome or box.flush()) == "ended"
    assert database.taken == list(range(last + 1))


def test_while_it_is_away_each_epoch_makes_one_try_and_after_that_all_patience_is_used(clock):
    database = Database()
    database.away = True
    box = PendingEpochs(database.take, PATIENCE, "run 0")
    for clock.now in (0.0, 1.0, PATIENCE - 1):
        assert box.put("epoch") is None
    clock.now = PATIENCE
    with pytest.raises(StorageError):
        box.put("epoch")
    assert database.tries == [2.0, 0.0, 0.0, PATIENCE]


def test_an_outage_begins_anew_after_it_has_ended(clock):
    database = Database()
    box = PendingEpochs(database.take, PATIENCE, "run 0")
    for clock.now, database.away in ((0.0, True), (PATIENCE - 1, False), (PATIENCE, True), (PATIENCE + 9, True)):
        assert box.put(clock.now) is None
    assert len(database.taken) == 2


def test_who_has_no_patience_does_not_train_on():
    database = Database()
    database.away = True
    with pytest.raises(StorageError):
        PendingEpochs(database.take, 0.0, "run 0").put("epoch")


def test_another_error_is_no_outage():
    def fenced(result, seconds):
        raise FencedError("taken")

    with pytest.raises(FencedError):
        PendingEpochs(fenced, PATIENCE, "run 0").put("epoch")


def test_an_outage_is_told_at_its_begin_and_its_end(caplog):
    database = Database()
    box = PendingEpochs(database.take, PATIENCE, "run 7")
    for epoch, database.away in enumerate([False, True, True, False, False]):
        box.put(epoch)
    assert caplog.messages == [
        "the database does not answer; run 7 trains on, its epochs wait in its checkpoints",
        "the database answers again; run 7: 3 epochs that waited are recorded",
    ]
