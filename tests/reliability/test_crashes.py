"""SIGKILL at every point and at any moment: the process that comes next ends the study as if undisturbed.

Of the points between which the disk does not change one is killed in every run of the tests, at its first passage; all
of them, and all passages, are among the slow ones.
"""

import pytest
from slow_cases import mostly_slow

from lrlc_nas.fault_points import ACTIONS, POINTS, Fault
from tests.reliability.everywhere import (
    OTHER_POINTS,
    crash_at_first,
    crash_at_random,
    crash_everywhere,
    crash_otherwise,
    rare_points,
    supervised_points,
    train_points,
)
from tests.reliability.supervised import crash_supervisor, crash_worker

SLOW = pytest.mark.slow
KEY_POINTS = (
    *("study.stored", "total.stored", "trial.made", "dead.stored", "claim.stored", "plan.stored", "adopt.before"),
    *("checkpoint.half", "epoch.before", "epoch.commit", "epoch.stored", "remove.emptied", "finish.stored"),
)


def assert_survived(crashes):
    assert [crash for crash in crashes if not crash.survived] == []


def test_an_undisturbed_life_passes_every_point_of_its_own(reference):
    assert set(reference.hits) == set(train_points())
    assert {*train_points(), *supervised_points(), *rare_points()} == set(POINTS)


def test_the_life_holds_every_kind_of_end(reference):
    ends = [(run[1], run[5]) for run in reference.story]
    assert {("host", "complete"), ("sampled", "complete"), ("sampled", "pruned")} <= set(ends)


@pytest.mark.parametrize("points", [KEY_POINTS, pytest.param(train_points(), marks=SLOW)], ids=["some", "all"])
def test_killed_at_the_first_passage_of_each_point(points, reference, tmp_path):
    crashes = crash_at_first(tmp_path, reference, points)
    assert [crash.what.split(":")[0] for crash in crashes if crash.happened] == list(points)
    assert_survived(crashes)


@SLOW
def test_killed_at_every_passage_of_each_point(reference, tmp_path):
    crashes = crash_everywhere(tmp_path, reference)
    happened = [crash for crash in crashes if crash.happened]
    assert len(crashes) == len(happened) + len(train_points()), "each point is tried until a life ends untouched"
    # A life that goes on from a crash may pass a point more often than one that was never disturbed.
    for point in train_points():
        assert sum(crash.what.split(":")[0] == point for crash in happened) >= reference.hits[point]
    assert_survived(crashes)


@pytest.mark.parametrize("moments", [2, pytest.param(20, marks=SLOW)])
def test_killed_at_any_moment(moments, reference, tmp_path):
    crashes = crash_at_random(tmp_path, reference, moments)
    assert sum(crash.happened for crash in crashes) == moments
    assert_survived(crashes)


@pytest.mark.parametrize("points", [OTHER_POINTS[1:2], pytest.param(OTHER_POINTS, marks=SLOW)], ids=["one", "all"])
def test_other_faults_than_death(points, reference, tmp_path):
    crashes = crash_otherwise(tmp_path, reference, points)
    assert len(crashes) == len(points) * (len(ACTIONS) - 1)
    assert all(crash.happened for crash in crashes)
    assert_survived(crashes)


@pytest.mark.parametrize("point", mostly_slow(supervised_points(), "supervisor.after"))
def test_a_supervisor_is_killed(point, tmp_path):
    crash = crash_supervisor(tmp_path / "study", Fault(point))
    assert crash.happened
    assert_survived([crash])


def test_a_supervised_worker_is_killed_and_replaced(tmp_path):
    crash = crash_worker(tmp_path / "study", Fault("epoch.stored", 3))
    assert crash.happened
    assert_survived([crash])
