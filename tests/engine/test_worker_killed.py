"""SIGKILL at the points that only a slow run passes, or an audited one that falls behind."""

import multiprocessing
import signal
import time

import pytest
import torch
import toy_study
from slow_cases import mostly_slow

from lrlc_nas.engine import start_study
from lrlc_nas.fault_points import Fault, arm
from lrlc_nas.store import Store
from tests.reliability.everywhere import rare_points
from tests.reliability.lives import PRELOADED

CONTEXT = multiprocessing.get_context("forkserver")
EVERY_RUN = {"search": {"audit": 1.0}}


def work_slowly(url, fault):
    """Work in steps that are slower than leases; no point is passed by chance alone then."""
    torch.set_num_threads(1)
    arm(Fault.parse(fault))
    toy_study.work(Store(url), lease_seconds=0.4, should_stop=lambda: time.sleep(0.05) or False)


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """What a study finds that nothing disturbs, all of whose sampled runs are audited."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('audited')}/studies.db")
    study = start_study(store, toy_study.config(**EVERY_RUN)).record
    toy_study.work(store)
    yield toy_study.trace(store), verdicts(store, study)
    store.engine.dispose()


def verdicts(store, study):
    return [run.facts.get("audit") for run in store.runs(study)]


@pytest.mark.parametrize("hit", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("point", mostly_slow(rare_points(), "renewal.after", "note.before"))
def test_a_study_goes_on_from_a_kill_at_a_point_that_few_runs_pass(store, audited, point, hit):
    CONTEXT.set_forkserver_preload(PRELOADED)
    study = start_study(store, toy_study.config(**EVERY_RUN)).record
    process = CONTEXT.Process(target=work_slowly, args=(str(store.url), str(Fault(point, hit))))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    toy_study.work(store)
    assert (toy_study.trace(store), verdicts(store, study)) == audited
    toy_study.assert_mirrored(store)
