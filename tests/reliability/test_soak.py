"""A supervisor whose workers are killed again and again: ``pytest -m slow tests/reliability/test_soak.py``."""

import contextlib
import mmap
import os
import random
import signal
import subprocess
from types import SimpleNamespace

import pytest
from toy_epochs import an_epoch

from lrlc_nas.engine.run_end import MOST_CRASHES
from lrlc_nas.errors import LrlcNasError
from lrlc_nas.store import claim, record_epoch, release
from tests.reliability import soak as soak_module
from tests.reliability.door import Answer
from tests.reliability.lives import begin
from tests.reliability.soak import Soak, Watch, soak
from tests.reliability.steadiness import Samples, Steadiness
from tests.reliability.toy import toy_config


@pytest.mark.slow
def test_a_supervisor_stays_as_it_is_while_its_workers_die(tmp_path):
    done = soak(tmp_path, trials=24, epochs=3, every=3.0, rest=0.2)
    assert done.broken == ()
    assert done.survived, done
    assert done.kills >= 3


class Door:
    """A dashboard that answers with one code; the process is this one."""

    def __init__(self, status: int) -> None:
        self.process, self.status = SimpleNamespace(pid=os.getpid()), status

    def ask(self, path: str) -> Answer:
        return Answer(self.status, {}, "")


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """A study, who watches it, and a strike at a process that sleeps and holds its first run: whether it dies."""
    study = begin(tmp_path, toy_config(2, 2))
    watch = Watch(tmp_path, Samples(os.getpid()), Door(200), random.Random(0))

    def strike() -> bool:
        with subprocess.Popen(["sleep", "60"]) as worker:
            monkeypatch.setattr(soak_module, "workers_of", lambda _: [worker.pid])
            held = claim(study.store, study.record, f"here/{worker.pid}/0", 60.0)
            watch.strike()
            worker.terminate()  # one that was killed is dead already
        release(study.store, held)
        return worker.returncode == -signal.SIGKILL

    yield study, watch, strike
    study.store.engine.dispose()


def test_the_same_epoch_is_not_met_until_its_run_is_given_up(watched):
    study, watch, strike = watched
    assert [strike() for _ in range(MOST_CRASHES + 1)] == [True] * 5 + [False] * 6
    again = claim(study.store, study.record, "here/1/0", 60.0)
    record_epoch(study.store, again, an_epoch(0))
    release(study.store, again)
    assert strike()
    assert watch.kills == 6


def test_a_page_that_does_not_come_is_told(tmp_path):
    begin(tmp_path, toy_config(2, 1)).store.engine.dispose()
    watch = Watch(tmp_path, Samples(os.getpid()), Door(503), random.Random(0))
    watch.strike()
    assert "the dashboard answered /studies/1 with 503" in watch.refused
    assert watch.kills == 0


STEADY = Steadiness(0.0, (10, 12))


@pytest.mark.parametrize(
    ("growth", "descriptors", "holds"),
    [(0.04, (10, 12), True), (0.05, (10, 12), False), (-0.5, (10, 10), True), (0.0, (10, 13), False)],
)
def test_what_grows_is_seen(growth, descriptors, holds):
    changed = Steadiness(growth, descriptors)
    assert changed.holds is holds
    assert Soak(20, 20, 5, 9, changed, STEADY, ()).survived is holds
    assert Soak(20, 20, 5, 9, STEADY, changed, ()).survived is holds


@pytest.mark.parametrize(("ended", "broken"), [(19, ()), (20, ("lost",))])
def test_what_is_lost_is_seen(ended, broken):
    assert not Soak(20, ended, 5, 9, STEADY, STEADY, broken).survived


def test_a_process_that_grows_is_measured():
    samples = Samples(os.getpid())
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            samples.take()
            memory = stack.enter_context(mmap.mmap(-1, 2**22))  # none that was freed before is used again
            memory.write(b"x" * 2**22)
            stack.enter_context(open(os.devnull))
        found = samples.steadiness()
    assert found.growth > 0
    assert found.descriptors[1] - found.descriptors[0] == 25
    assert not found.holds


def test_one_sample_shows_no_growth():
    samples = Samples(os.getpid())
    samples.take()
    with pytest.raises(LrlcNasError, match="sampled 1 times"):
        samples.steadiness()
