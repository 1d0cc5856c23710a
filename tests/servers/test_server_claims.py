"""Processes that compete, and processes that die, on real servers."""

import pytest
from slow_cases import mostly_on

from lrlc_nas.fault_points import Fault
from tests.reliability.crashes import crash_at, kill_after, live_undisturbed
from tests.reliability.everywhere import crash_at_first, crash_at_random, train_points
from tests.reliability.races import race, race_for_claims, race_of_resumes
from tests.reliability.storm import storm

SLOW = pytest.mark.slow


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=SLOW)])
def test_no_run_is_claimed_twice(place, rounds, tmp_path):
    done = race_for_claims(tmp_path, processes=4, runs=40, rounds=rounds, place=place)
    assert (done.runs, done.claimed, done.twice) == (40 * rounds, 40 * rounds, 0)


@mostly_on("mariadb")
@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=SLOW), pytest.param(8, marks=SLOW)])
def test_the_budget_is_exact(place, workers, tmp_path):
    done = race(place.furnish(tmp_path / "study"), workers=workers, trials=12, epochs=1)
    assert (done.ended, done.broken) == (12, ())
    assert done.took_part > 1, "nobody competed"


@mostly_on("postgresql")
def test_two_that_raise_the_total_at_once_do_not_add_up(place, tmp_path):
    done = race_of_resumes(place.furnish(tmp_path / "study"), first=8, trials=12, epochs=1)
    assert (done.trials, done.ended, done.broken) == (12, 12, ())


@mostly_on("postgresql")
@pytest.mark.parametrize(
    "point", ["epoch.commit", *(pytest.param(point, marks=SLOW) for point in ("claim.commit", "finish.stored"))]
)
def test_killed_at_a_point_it_ends_as_on_sqlite_undisturbed(reference, point, tmp_path):
    crash = crash_at(tmp_path / "study", Fault(point, 2), reference)
    assert crash.happened
    assert (crash.broken, crash.survived) == ((), True)


@pytest.mark.slow
def test_killed_at_some_moment_it_ends_as_on_sqlite_undisturbed(reference, tmp_path):
    crashes = (kill_after(tmp_path / str(part), reference.seconds / part, reference) for part in (2, 4, 8, 16))
    crash = next((crash for crash in crashes if crash.happened), None)
    assert crash is not None, "each life was over before it could be killed"
    assert crash.survived, crash


@pytest.mark.slow
def test_killed_at_every_point(reference, tmp_path):
    crashes = crash_at_first(tmp_path, reference)
    assert {crash.what.split(":")[0] for crash in crashes if crash.happened} == set(train_points())
    assert [crash for crash in crashes if not crash.survived] == []


@pytest.mark.slow
def test_killed_at_any_moment(place, tmp_path):
    reference = live_undisturbed(place.furnish(tmp_path / "undisturbed"), place)
    crashes = crash_at_random(tmp_path, reference, 20)
    assert sum(crash.happened for crash in crashes) == 20
    assert [crash for crash in crashes if not crash.survived] == []


@pytest.mark.slow
def test_a_study_survives_a_storm(place, tmp_path):
    done = storm(place.furnish(tmp_path / "study"), trials=40, epochs=10, kills=10, zombies=3)
    assert (done.ended, done.recorded, done.broken) == (40, 400, ())
    assert (done.kills, done.zombies) >= (10, 3)
