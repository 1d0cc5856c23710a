"""After a silence of the database, claims that have run out are left to their holders for a while."""

import pytest
from toy_store import WAITING, add_study

from lrlc_nas.errors import StorageError
from lrlc_nas.store import claim
from lrlc_nas.store import outage_history as hearing
from lrlc_nas.store.outage_history import OutageHistory


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock, which goes on when it is told to."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(hearing, "time", clock)
    return clock


def call(clock, heard, seconds, *, answered=True):
    began = clock.now
    clock.now += seconds
    (heard.answered if answered else heard.failed)(began)


def test_nothing_was_silent_at_first():
    assert not OutageHistory().was_silent(30.0)


def test_an_answer_that_was_long_in_coming_ends_a_silence(clock):
    heard = OutageHistory()
    call(clock, heard, 40.0)
    assert heard.was_silent(30.0)
    assert not heard.was_silent(50.0), "a claim of that length has not run out"
    clock.now += 29.0
    assert heard.was_silent(30.0)
    clock.now += 2.0
    assert not heard.was_silent(30.0)


def test_short_answers_do_not_make_it_forget(clock):
    heard = OutageHistory()
    call(clock, heard, 40.0)
    for _ in range(20):
        call(clock, heard, 0.1)
    assert heard.was_silent(30.0)


def test_calls_that_failed_at_once_are_one_silence(clock):
    heard = OutageHistory()
    for _ in range(40):
        call(clock, heard, 0.1, answered=False)
        clock.now += 0.9
    call(clock, heard, 0.1)
    assert heard.was_silent(30.0)
    clock.now += 31.0
    call(clock, heard, 0.1)
    assert not heard.was_silent(30.0), "the next silence begins anew"


def test_all_copies_of_a_store_hear_the_same(store, study):
    def away():
        raise StorageError("the database does not answer")

    for each in (store.retrying(), store.within(1.0)):
        assert each.outages is store.outages
        with pytest.raises(StorageError):
            each.retry(away)


def test_a_run_that_waits_is_taken_at_once(store, monkeypatch):
    study = add_study(store, [WAITING] * 2, name="two")
    claim(store, study, "holder", -1.0)  # has run out
    monkeypatch.setattr(store.outages, "was_silent", lambda seconds: True)
    waiting = claim(store, study, "idle", 60.0)
    assert waiting.run.number == 1
    assert claim(store, study, "idle", 60.0) is None
    monkeypatch.setattr(store.outages, "was_silent", lambda seconds: False)
    assert claim(store, study, "idle", 60.0).run.number == 0
