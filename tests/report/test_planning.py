"""What a study can see rests on the runs that its screening can use, and on the spread that these show."""

from dataclasses import replace

import numpy as np
import pytest
from toy_epochs import an_epoch
from toy_screening import CELLS, RELAXED, make_run, make_study

from lrlc_nas.choices import Plan
from lrlc_nas.errors import InputError
from lrlc_nas.evidence import screen
from lrlc_nas.evidence.power import measure_spread, spread_of_residuals
from lrlc_nas.evidence.sequential import alpha_of_look
from lrlc_nas.evidence.t_power import seeds_to_see
from lrlc_nas.facts import EndCause
from lrlc_nas.report.planning import measured_spread, screening_design, study_power
from lrlc_nas.report.power_lines import claim_powers

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
    """A store of one study without a confirmation, whose epochs took 30 seconds each."""

    def __init__(self, runs):
        self._runs = runs

    def is_optunas_alone(self, name):
        return False

    def study(self, name):
        return make_study()

    def runs(self, study):
        return self._runs

    def epochs(self, study):
        return {run.run_id: [replace(an_epoch(0, 0.5), seconds=30.0)] for run in self._runs}

    def confirmation_of(self, search):
        return None


@pytest.mark.parametrize("table", [True, False])
def test_it_is_that_of_this_design(table):
    lost = [make_run(9 + number, {"conv1": "lc"}, None, state="failed") for number in range(5)]
    first, second = FakeStore([*HOSTS, *BLOCK, *lost]), FakeStore([*HOSTS, *BLOCK])
    assert study_power(first, "test", table=table) == study_power(second, "test", table=table)


def planted(seed=0, runs=30):
    """Runs of every plan in turn, with a gain of 5 points at one cell and a spread of 1 point."""
    noise = np.random.default_rng(seed).normal(0, 0.01, runs)
    plans = [RELAXED[number % len(RELAXED)] for number in range(runs)]
    gains = [0.05 * (plan["conv1"] == "lc") for plan in plans]
    return [make_run(n, plans[n], 0.7 + gains[n] + noise[n]) for n in range(runs)]


def test_the_spread_is_that_of_the_residuals_which_tell_more_than_the_repeats_of_the_host():
    runs = planted()
    screening = screen(make_study(), runs, {})
    found = measured_spread(make_study(), runs, screening)
    assert found == spread_of_residuals(screening.residual_sd, 25, 30)
    assert found.low < 1.0 < found.high
    assert "25 degrees of freedom" in study_power(FakeStore(runs), "test")


def test_without_residuals_it_is_that_of_the_host():
    runs = [*HOSTS, *BLOCK[:4]]
    found = measured_spread(make_study(), runs, screen(make_study(), runs, {}))
    assert (found.sd, found.degrees) == (pytest.approx(1.0), 2)
    with pytest.raises(InputError, match="at least 2 complete runs of the untouched host, but there are 0"):
        measured_spread(make_study(), [], screen(make_study(), [], {}))


def test_each_claim_has_a_sentence_with_seeds_runs_and_time():
    said = study_power(FakeStore(planted()), "test").splitlines()
    (claim,) = [line for line in said if line.startswith("conv1: lc at +")]
    assert " seeds, " in claim
    assert " runs, " in claim
    assert "of one worker for 80 %" in claim


def test_what_a_claim_takes_is_corrected_for_the_claims_alone():
    spread = measure_spread([80.0, 81.0, 82.0])
    claims = {"a": (Plan.of({"conv1": "lc"}), 3.0), "b": (Plan.of({"conv1": "lrlc-2"}), 0.001)}
    lc, tiny = claim_powers(claims, spread, seconds_per_run=10.0)
    assert lc.seeds == seeds_to_see(3.0, np.sqrt(2), alpha_of_look(1) / 2)
    assert lc.runs == 7 * lc.seeds  # the host, lc, and coord, position-vector, wide, tied, lrlc-1
    assert lc.seconds == 10 * lc.runs
    assert lc.cautious is None or lc.cautious > lc.seeds
    assert (tiny.seeds, tiny.runs, tiny.seconds) == (None, None, None)


def test_nothing_to_claim_is_said():
    worse = [make_run(n, plan, 0.8 - 0.1 * any(t != "conv" for t in plan.values())) for n, plan in enumerate(RELAXED)]
    noisy = [replace(run, value=run.value + 0.001 * (run.number % 2)) for run in worse * 2]
    hosts = [make_run(50 + n, {}, 0.9 + 0.01 * n) for n in range(3)]
    assert "no gain over conv shows" in study_power(FakeStore([*noisy, *hosts]), "test")
