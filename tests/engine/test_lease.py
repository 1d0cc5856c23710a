import logging
import threading
import time

import pytest
import toy_study

from lrlc_nas.engine.lease import Lease
from lrlc_nas.store import claim, release


@pytest.fixture
def study(study):
    return study.record


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "nothing happened in 20 seconds"
        time.sleep(0.01)


def test_a_lease_is_held_longer_than_its_time(store, study):
    held = claim(store, study, "me", 0.4)
    with Lease(store, held) as lease:
        time.sleep(1.0)
        assert claim(store, study, "other", 3600.0).run.number == 1
        assert not lease.lost


def test_a_lease_that_was_taken_is_lost(store, study):
    held = claim(store, study, "me", 0.2)
    with Lease(store, held) as lease:
        release(store, held)
        claim(store, study, "other", 3600.0)
        wait_until(lambda: lease.lost)


def test_after_its_block_a_lease_runs_out(store, study):
    held = claim(store, study, "me", 0.3)
    with Lease(store, held):
        pass
    time.sleep(0.4)
    assert claim(store, study, "other", 3600.0).run.number == 0


def test_trouble_with_the_database_does_not_end_the_renewals(store, study, monkeypatch, caplog):
    calls = []

    def renew(_store, _held):
        calls.append(len(calls))
        if len(calls) < 3:
            raise RuntimeError("the server went away")

    monkeypatch.setattr("lrlc_nas.engine.lease.renew", renew)
    with caplog.at_level(logging.WARNING), Lease(store, claim(store, study, "me", 0.1)) as lease:
        wait_until(lambda: len(calls) > 4)
    assert not lease.lost
    assert caplog.text.count("run 0: could not renew its lease") == 2


@pytest.fixture
def silence(monkeypatch):
    """A database that owes an answer, in the one call that waits for it, until the test ends."""
    over = threading.Event()
    monkeypatch.setattr("lrlc_nas.engine.lease._LAST_SECONDS", 0.2)
    monkeypatch.setattr("lrlc_nas.engine.worker._RELEASE_SECONDS", 0.2)

    def wait(*_):
        wait.called.set()
        over.wait()

    wait.called = threading.Event()
    yield wait
    over.set()


def test_a_lease_does_not_end_later_for_a_renewal_that_gets_no_answer(store, study, monkeypatch, silence):
    monkeypatch.setattr("lrlc_nas.engine.lease.renew", silence)
    with Lease(store, claim(store, study, "me", 0.1)):
        assert silence.called.wait(20)
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_a_worker_does_not_end_later_for_a_claim_that_it_cannot_give_back(store, study, monkeypatch, silence, caplog):
    monkeypatch.setattr("lrlc_nas.engine.worker.release", silence)
    toy_study.work(store, should_stop=iter([False, True, True]).__next__)
    assert silence.called.is_set()
    assert caplog.messages == ["run 0: could not give back its claim: the database is silent for 0 s"]


def test_a_worker_that_lost_its_run_leaves_it_and_goes_on(store, study, monkeypatch):
    """Another worker takes the first run over in its second epoch, and nothing of ours reaches it from then on."""
    monkeypatch.setattr("lrlc_nas.engine.worker.LEASE_SECONDS", 0.2)
    taken = []

    def take_over():
        run = store.runs(study)[0]
        if run.epoch == 1 and not taken:
            monkeypatch.setattr("lrlc_nas.engine.worker.LEASE_SECONDS", 60.0)
            with store.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE nas_run SET expires = 0 WHERE number = 0")
            taken.append(claim(store, study, "other", 3600.0))
        return len(taken) > 0 and store.runs(study)[2].state == "complete"

    toy_study.work(store, should_stop=take_over)
    first = store.runs(study)[0]
    assert (taken[0].run.number, first.worker_id, first.state, first.epoch) == (0, "other", "running", 1)
    assert [run.state for run in store.runs(study)][1:3] == ["complete"] * 2
