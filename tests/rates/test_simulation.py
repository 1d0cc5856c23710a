"""Simulated studies keep the rates that the evidence states, and would be caught if they did not."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from scipy import stats
from toy_designs import design_from_counts

from lrlc_nas.evidence.decisions import OUTCOMES, Rule, decide
from lrlc_nas.evidence.judging import judge
from lrlc_nas.evidence.missing import fit_staircase
from lrlc_nas.evidence.verdicts import Arm
from tests.rates.scenarios import SCENARIOS, planted_scenarios, rates_table
from tests.rates.simulation import Scenario, screening_rates, simulate

STUDIES = 1000


def slack(rate):
    """Four binomial standard errors: one failure in some 30,000 rates that lie on their bound."""
    return 4 * sqrt(rate * (1 - rate) / STUDIES)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_stated_rates_are_kept(scenario):
    rates = {rate.what: rate.value for rate in simulate([scenario], studies=STUDIES)}
    assert rates["false helps or hurts, any claim"] <= 0.05 + slack(0.05)
    assert rates["the intervals of all looks cover"] >= 0.95 - slack(0.95)
    assert rates["95 % interval covers"] == pytest.approx(0.95, abs=slack(0.95))
    assert rates.get("false equivalent", 0) <= 0.05 + slack(0.05)
    assert rates.get("beats a control as good, any", 0) <= 0.05 + slack(0.05)


@pytest.mark.parametrize("scenario", planted_scenarios(), ids=lambda scenario: scenario.name)
def test_a_gain_that_the_power_table_calls_visible_is_found(scenario):
    rates = {rate.what: rate.value for rate in simulate([scenario], studies=STUDIES, power=0.8)}
    assert rates["a planted gain helps"] >= 0.8 - slack(0.8)
    if len(scenario.sizes) == 1:
        assert rates["a planted gain helps"] <= 0.8 + slack(0.8)


def test_looking_again_and_again_at_one_level_would_be_caught():
    generator = np.random.default_rng(0)
    differences = generator.normal(0, 0.7, (STUDIES, 20))
    looks = [stats.ttest_1samp(differences[:, :size], 0, axis=1).pvalue < 0.05 for size in (5, 10, 20)]
    assert np.mean(np.any(looks, axis=0)) > 0.05 + slack(0.05)


def test_a_family_that_is_left_out_would_be_caught():
    differences = np.random.default_rng(0).normal(0, 0.7, (STUDIES, 12, 10))
    alone = [decide(differences[:, [claim]], Rule(1), [10]).differs[:, 0] for claim in range(12)]
    assert np.mean(np.any(alone, axis=0)) > 0.05 + slack(0.05)
    assert decide(differences, Rule(12), [10]).differs.any(axis=1).mean() <= 0.05 + slack(0.05)


def test_simulated_studies_are_judged_as_real_ones():
    generator = np.random.default_rng(1)
    for _ in range(30):
        host = generator.normal(94, 0.2, 10)
        scores = host + generator.normal([[0.0], [0.4], [-0.6]], 0.3, (3, 10))
        arms = [Arm(str(i), tuple(row)) for i, row in enumerate(scores)]
        verdicts = judge(Arm("host", tuple(host)), arms, Rule(6), sizes=[5, 10])
        decisions = decide(scores - host, Rule(6), [5, 10])
        assert [verdict.outcome for verdict in verdicts] == [OUTCOMES[code] for code in decisions.outcome]


def test_the_same_seed_gives_the_same_rates():
    scenario = Scenario("null", (0.0, 0.0))
    assert simulate([scenario], studies=50, seed=3) == simulate([scenario], studies=50, seed=3)
    assert simulate([scenario], studies=50, seed=3) != simulate([scenario], studies=50, seed=4)


def least_squares(design, points):
    fit = fit_staircase(design, points[:, None])
    contrasts = [fit.contrast(unit) for unit in np.eye(design.shape[1])[1:]]
    return np.array([each.low for each in contrasts]), np.array([each.high for each in contrasts])


def test_any_estimator_of_a_screening_can_be_simulated():
    design = design_from_counts(5, [1] * 6)
    rates = screening_rates(least_squares, design, [1.0, 0, 0, 0, 0, 0], studies=400)
    covered, excluding, found = (rate.value for rate in rates)
    assert covered == pytest.approx(0.95, abs=4 * sqrt(0.95 * 0.05 / 400))
    assert excluding > 0.05
    assert found > 0.5


def test_an_estimator_with_intervals_too_narrow_is_caught():
    def narrow(design, points):
        low, high = least_squares(design, points)
        middle, half = (low + high) / 2, (high - low) / 4
        return middle - half, middle + half

    covered, *_ = screening_rates(narrow, design_from_counts(5, [1, 1]), [0.0, 0.0], studies=400)
    assert not covered.agrees


def test_the_table_says_whether_rates_agree_with_promises():
    rates = simulate([Scenario("null", (0.0,), family=1)], studies=50)
    broken = replace(rates[0], count=25, low=0.35, high=0.65)
    lines = rates_table([*rates, broken]).splitlines()
    assert len(lines) == len(rates) + 1
    assert lines[0].endswith("at most 5 %: agrees")
    assert lines[-1].endswith("at most 5 %: DISAGREES")


@pytest.mark.parametrize(("count", "agrees"), [(780, True), (700, False)])
def test_a_rate_beyond_its_bound_agrees_as_long_as_chance_explains_it(count, agrees):
    rates = simulate([Scenario("gain", (9.0,))], studies=9, power=0.8)
    (hit,) = (rate for rate in rates if rate.what == "a planted gain helps")
    low, high = stats.binomtest(count, 1000).proportion_ci()
    assert replace(hit, count=count, studies=1000, low=low, high=high).agrees == agrees


@pytest.mark.parametrize(
    ("count", "studies", "known"),
    [
        (0, 100, (0.0, 0.03621669264517642)),
        (5, 1000, (0.00162541951756276, 0.01162947055981215)),
        (780, 1000, (0.7530202076304395, 0.8053199606611249)),
        (100, 100, (0.9637833073548235, 1.0)),
    ],
)
def test_the_interval_of_a_rate_is_that_of_clopper_and_pearson(count, studies, known):
    """The numbers of statsmodels 0.15.0."""
    assert tuple(stats.binomtest(count, studies).proportion_ci()) == pytest.approx(known, rel=1e-10)
