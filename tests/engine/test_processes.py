"""Workers as processes of their own, killed by the kernel."""

import multiprocessing
import random
import signal
import time

import pytest
import toy_study

from lrlc_nas.choices import Plan
from lrlc_nas.engine import resume_study
from tests.reliability.lives import PRELOADED

CONTEXT = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _import_once():
    CONTEXT.set_forkserver_preload(PRELOADED)


def start(target, *args):
    process = CONTEXT.Process(target=target, args=args)
    process.start()
    return process


def url_of(store):
    return str(store.url)


def assert_budget_is_exact(store):
    runs = store.runs(store.study("toy"))
    assert [run.number for run in runs] == list(range(toy_study.TRIALS))
    assert {run.state for run in runs} <= {"complete", "pruned"}
    plans = [run.plan for run in runs if run.role != "host"]
    assert len(set(plans)) == len(plans)
    assert Plan() not in plans
    for run in runs:
        epochs = store.run_epochs(run)
        assert [epoch.epoch for epoch in epochs] == list(range(run.epoch))
        assert run.value == epochs[-1].value


def test_killed_between_steps(store, study, uninterrupted):
    """Deaths in the first, second and third epoch of a run, and between runs."""
    for steps in (1, 5, 12, 25):
        process = start(toy_study.die_after_steps, url_of(store), steps)
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
    toy_study.work(store)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)


@pytest.mark.slow  # as tests/reliability/test_crashes.py
def test_killed_at_any_moment(store, study, uninterrupted):
    moments = random.Random(1)
    kills = 0
    for _ in range(4):
        process = start(toy_study.work_in_process, url_of(store))
        process.join(moments.uniform(0.3, 1.2))
        if process.is_alive():
            process.kill()
            kills += 1
        process.join(60)
    assert kills >= 2
    toy_study.work(store)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    toy_study.assert_mirrored(store)


@pytest.mark.slow  # as tests/reliability/test_races.py
def test_two_workers_share_a_study(store, study):
    processes = [start(toy_study.work_in_process, url_of(store)) for _ in range(2)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert_budget_is_exact(store)
    assert len({run.worker_id for run in store.runs(store.study("toy"))}) == 2, "both have trained"
    toy_study.assert_mirrored(store)


def test_a_worker_goes_on_with_the_run_of_one_that_was_killed(store, study):
    """The survivor sees that the other has died on its machine, and does not wait for the lease to expire."""
    started = time.monotonic()
    doomed = start(toy_study.die_after_steps, url_of(store), 14)
    survivor = start(toy_study.work_in_process, url_of(store))
    for process in (doomed, survivor):
        process.join(120)
    assert (doomed.exitcode, survivor.exitcode) == (-signal.SIGKILL, 0)
    assert time.monotonic() - started < 55, "less than a lease"
    assert_budget_is_exact(store)
    assert max(run.attempt for run in store.runs(store.study("toy"))) == 2
    resume_study(store, "toy")
    toy_study.assert_mirrored(store)
