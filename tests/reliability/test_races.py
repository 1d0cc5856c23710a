"""Many workers spend one budget exactly, and claim nothing twice."""

import pytest

from tests.reliability.races import race, race_for_claims, race_of_resumes, race_of_starts

SLOW = pytest.mark.slow


@pytest.mark.parametrize("workers", [4, pytest.param(2, marks=SLOW), pytest.param(8, marks=SLOW)])
def test_the_budget_is_exact(workers, tmp_path):
    done = race(tmp_path, workers=workers, trials=16, epochs=2)
    assert (done.ended, done.broken) == (16, ())
    assert done.took_part > 1, "nobody competed"


@pytest.mark.parametrize(("workers", "trials"), [pytest.param(4, 24, marks=SLOW), pytest.param(16, 160, marks=SLOW)])
def test_a_crowd_on_one_file(workers, trials, tmp_path):
    done = race(tmp_path, workers=workers, trials=trials, epochs=1, sites=3)
    assert (done.ended, done.broken) == (trials, ())
    assert done.took_part > 1, "nobody competed"


def test_two_that_raise_the_total_at_once_do_not_add_up(tmp_path):
    done = race_of_resumes(tmp_path, first=8, trials=12, epochs=1)
    assert (done.trials, done.ended, done.broken) == (12, 12, ())


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=SLOW)])
def test_nothing_is_claimed_twice(rounds, tmp_path):
    done = race_for_claims(tmp_path, processes=4, runs=40, rounds=rounds)
    assert (done.runs, done.claimed, done.twice) == (40 * rounds, 40 * rounds, 0)


@pytest.mark.parametrize("rounds", [1, pytest.param(5, marks=SLOW)])
def test_the_first_studies_of_a_database_may_be_started_at_once(rounds, tmp_path):
    """Optuna makes its tables without looking whether another process does, which fails one of them."""
    assert race_of_starts(tmp_path, processes=4, rounds=rounds) == 4 * rounds
