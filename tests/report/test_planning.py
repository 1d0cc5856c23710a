"""What a study can see rests on the runs that its screening can use."""

from dataclasses import replace

import numpy as np
import pytest
from toy_screening import CELLS, make_run, make_study

from lrlc_nas.facts import EndCause
from lrlc_nas.report.planning import screening_design, study_power

HOSTS = [make_run(number, {}, 0.8 + 0.01 * number) for number in range(3)]
BLOCK = [make_run(3 + number, {site: token}, 0.8) for number, (site, token) in enumerate(CELLS)]


def counts(*more):
    """How many runs there are, and how many hold each cell."""
    return screening_design(CELLS, [*HOSTS, *BLOCK, *more]).sum(axis=0).astype(int).tolist()


def test_every_complete_run_counts():
    assert counts() == [7, 1, 1, 1, 1]
    assert np.array_equal(screening_design(CELLS, HOSTS), [[1, 0, 0, 0, 0]] * 3)


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("failed", EndCause.ERROR),
        ("pruned", EndCause.DIVERGED),
        ("pruned", EndCause.OUT_OF_MEMORY),
        ("pruned", EndCause.BEHIND),
    ],
)
def test_a_run_that_ended_without_a_result_counts_for_nothing(state, cause):
    lost = replace(make_run(9, {"conv1": "lc"}, None, state=state), cause=cause)
    assert counts(lost) == counts()


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_an_open_run_counts_once_its_plan_is_known(state):
    assert counts(make_run(9, {"conv1": "lc"}, None, state=state)) == [8, 1, 2, 1, 1]
    assert counts(make_run(9, None, None, state=state)) == counts()


class FakeStore:
    """A store of one study without a confirmation."""

    def __init__(self, runs):
        self._runs = runs

    def is_optunas_alone(self, name):
        return False

    def study(self, name):
        return make_study()

    def runs(self, study):
        return self._runs

    def confirmation_of(self, search):
        return None


def test_the_table_is_that_of_this_design():
    lost = [make_run(9 + number, {"conv1": "lc"}, None, state="failed") for number in range(5)]
    assert study_power(FakeStore([*HOSTS, *BLOCK, *lost]), "test") == study_power(FakeStore([*HOSTS, *BLOCK]), "test")
