"""SIGKILL at every point and at any moment: the process that comes next ends the study as if undisturbed."""

import pytest

from lrlc_nas.fault_points import ACTIONS, POINTS, Fault
from tests.reliability.everywhere import (
    OTHER_POINTS,
    crash_at_random,
    crash_everywhere,
    crash_otherwise,
    rare_points,
    supervised_points,
    train_points,
)
from tests.reliability.supervised import crash_supervisor, crash_worker


MOMENTS = 20


@pytest.fixture(scope="module")
def everywhere(reference, tmp_path_factory):
    return crash_everywhere(tmp_path_factory.mktemp("everywhere"), reference)


def assert_survived(crashes):
    assert [crash for crash in crashes if not crash.survived] == []


def test_an_undisturbed_life_passes_every_point_of_its_own(reference):
    assert set(reference.hits) == set(train_points())
    assert {*train_points(), *supervised_points(), *rare_points()} == set(POINTS)


def test_the_life_holds_every_kind_of_end(reference):
    ends = [(run[1], run[5]) for run in reference.story]
    assert {("host", "complete"), ("sampled", "complete"), ("sampled", "pruned")} <= set(ends)


def test_every_passage_is_killed(everywhere, reference):
    happened = [crash for crash in everywhere if crash.happened]
    assert len(everywhere) == len(happened) + len(train_points()), (
        "each point is tried until a life ends untouched"
    )
    # A life that goes on from a crash may pass a point more often than one that was never disturbed.
    assert len(happened) >= sum(reference.hits.values())


@pytest.mark.parametrize("point", train_points())
def test_killed_at_each_passage(point, everywhere, reference):
    crashes = [crash for crash in everywhere if crash.what.split(":")[0] == point]
    assert len(crashes) > reference.hits[point]
    assert_survived(crashes)


def test_killed_at_any_moment(reference, tmp_path):
    crashes = crash_at_random(tmp_path, reference, MOMENTS)
    assert sum(crash.happened for crash in crashes) == MOMENTS
    assert_survived(crashes)


def test_other_faults_than_death(reference, tmp_path):
    crashes = crash_otherwise(tmp_path, reference)
    assert len(crashes) == len(OTHER_POINTS) * (len(ACTIONS) - 1)
    assert all(crash.happened for crash in crashes)
    assert_survived(crashes)


@pytest.mark.parametrize("point", supervised_points())
def test_a_supervisor_is_killed(point, tmp_path):
    crash = crash_supervisor(tmp_path / "study", Fault(point))
    assert crash.happened
    assert_survived([crash])


def test_a_supervised_worker_is_killed_and_replaced(tmp_path):
    crash = crash_worker(tmp_path / "study", Fault("epoch.stored", 3))
    assert crash.happened
    assert_survived([crash])
