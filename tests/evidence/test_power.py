"""The laws of power: against simulation, against quadrature, and against least squares."""

import numpy as np
import pytest
from scipy import stats
from toy_designs import design_from_counts

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.power import confirmation_power, look_costs, measure_spread, screening_power
from lrlc_nas.evidence.t_power import (
    SEEDS_CAP,
    sd_of_difference,
    seeds_for_equivalence,
    seeds_to_see,
    t_power,
    visible_effect,
)
from lrlc_nas.report.power_table import power_table

SCORES = [94.0, 94.3, 94.1, 94.4, 93.9]


@pytest.mark.parametrize("degrees", [1, 4, 19, 200])
@pytest.mark.parametrize("alpha", [0.05, 0.04 / 12])
def test_power_is_the_mean_over_all_spreads_that_could_be_measured(degrees, alpha):
    quantiles = (np.arange(4000) + 0.5) / 4000
    ratios = np.sqrt(stats.chi2.ppf(quantiles, degrees) / degrees)
    critical = stats.t.isf(alpha / 2, degrees)
    for shift in [*range(0, 41, 2), 100, 500]:
        expected = (stats.norm.cdf(shift - critical * ratios) + stats.norm.cdf(-shift - critical * ratios)).mean()
        assert float(t_power(shift, 1.0, degrees, alpha)) == pytest.approx(expected, abs=3e-4)


@pytest.mark.parametrize(("n", "alpha"), [(3, 0.05), (8, 0.04 / 12), (20, 0.04)])
def test_a_visible_effect_is_found_with_the_power_it_promises(n, alpha):
    studies = 4000
    effect = visible_effect(sd_of_difference(0.2, 0.3) / np.sqrt(n), n - 1, alpha)
    generator = np.random.default_rng(0)
    shared = np.sqrt(0.3) * generator.normal(size=(studies, n))
    arm, host = (0.2 * (shared + np.sqrt(0.7) * generator.normal(size=(studies, n))) for _ in range(2))
    found = (stats.ttest_rel(arm + effect, host, axis=1).pvalue < alpha).mean()
    assert found == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / studies))


@pytest.mark.parametrize("effect", [0.1, 0.3, 1.0])
def test_the_seeds_needed_are_the_fewest(effect):
    n = seeds_to_see(effect, 0.3, 0.04)
    assert visible_effect(0.3 / np.sqrt(n), n - 1, 0.04) <= effect
    assert n == 2 or visible_effect(0.3 / np.sqrt(n - 1), n - 2, 0.04) > effect


def test_the_seeds_for_equivalence_are_those_that_a_simulation_needs():
    studies, n = 4000, seeds_for_equivalence(0.3, 0.4, 0.04)
    powers = []
    for seeds in (n - 1, n):
        differences = np.random.default_rng(0).normal(0, 0.4, (studies, seeds))
        reach = stats.t.isf(0.04, seeds - 1) * differences.std(axis=1, ddof=1) / np.sqrt(seeds)
        powers.append((np.abs(differences.mean(axis=1)) + reach < 0.3).mean())
    error = 4 * np.sqrt(0.16 / studies)
    assert powers[0] < 0.8 + error
    assert powers[1] > 0.8 - error


def test_more_than_the_cap_is_not_a_number():
    assert seeds_to_see(0.001, 1.0, 0.05) is None
    assert seeds_for_equivalence(0.001, 1.0, 0.05) is None
    assert f">{SEEDS_CAP}" in power_table(measure_spread([90.0, 94.0, 92.0]), 12)


def test_the_interval_of_the_spread_covers_it():
    generator = np.random.default_rng(0)
    spreads = [measure_spread(scores) for scores in generator.normal(94, 0.2, (2000, 5))]
    covered = np.mean([spread.low <= 0.2 <= spread.high for spread in spreads])
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 2000))
    assert measure_spread(SCORES).sd == pytest.approx(np.std(SCORES, ddof=1))


@pytest.mark.parametrize("scores", [[], [94.0], [94.0, 94.0], [94.0, float("nan")]])
def test_a_spread_needs_scores_that_differ(scores):
    with pytest.raises(InputError, match="at least two finite scores that are not equal"):
        measure_spread(scores)


def p_values(design, outcomes):
    """Of the coefficients of least squares but the first, for many studies of one design (studies, n)."""
    inverse = np.linalg.inv(design.T @ design)
    coefficients = outcomes @ design @ inverse
    degrees = len(design) - design.shape[1]
    sds = np.sqrt(((outcomes - coefficients @ design.T) ** 2).sum(axis=1) / degrees)
    t = coefficients / (sds[:, None] * np.sqrt(np.diag(inverse)))
    return (2 * stats.t.sf(np.abs(t), degrees))[:, 1:]


def test_a_screening_sees_a_planted_effect_with_the_power_it_promises():
    design = design_from_counts(5, [2, 1, 3])
    cells = screening_power(design, 0.2, family=12)
    truth = np.array([94.0, *(cell.visible for cell in cells)])
    corrected = np.array([94.0, *(cell.corrected for cell in cells)])
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 0.2, (1000, len(design)))
    found = (p_values(design, design @ truth + noise) < 0.05).mean(axis=0)
    found_corrected = (p_values(design, design @ corrected + noise) < 0.05 / 12).mean(axis=0)
    assert [*found, *found_corrected] == pytest.approx([0.8] * 6, abs=4 * np.sqrt(0.16 / 1000))
    assert [cell.runs for cell in cells] == [2, 1, 3]


def test_a_cell_that_the_design_cannot_tell_has_no_visible_effect():
    design = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0]], dtype=float)
    assert [(cell.visible, cell.corrected) for cell in screening_power(design, 0.2)] == [(None, None)] * 3


def test_without_degrees_of_freedom_nothing_is_visible():
    cells = screening_power(design_from_counts(1, [1, 1]), 0.2)
    assert [cell.visible for cell in cells] == [None, None]


def test_a_confirmation_sees_less_with_fewer_seeds_more_cells_and_no_correlation():
    power = confirmation_power(0.2, 12)
    assert power.seeds == tuple(range(2, 21))
    assert list(power.corrected) == sorted(power.corrected, reverse=True)
    assert all(alone < family for alone, family in zip(power.visible, power.corrected, strict=True))
    paired = confirmation_power(0.2, 12, correlation=0.5)
    assert paired.corrected == pytest.approx([value * np.sqrt(0.5) for value in power.corrected])


def test_the_visible_effects_are_those_of_the_paired_t_test_at_the_first_look():
    power = confirmation_power(0.2, 12, seeds=[10])
    shift = power.corrected[0] / (sd_of_difference(0.2) / np.sqrt(10))
    critical = stats.t.isf(0.04 / 24, 9)
    found = stats.nct.sf(critical, 9, shift) + stats.nct.cdf(-critical, 9, shift)
    assert found == pytest.approx(0.8, abs=1e-6)


def test_each_look_costs_more_than_the_one_before():
    ratios = [cost.ratio for cost in look_costs(10, 12)]
    assert 1 < ratios[0] < 1.1
    assert ratios == sorted(ratios)


@pytest.mark.parametrize("sd", [0.0, -1.0, float("nan")])
def test_a_spread_that_cannot_be_is_refused(sd):
    with pytest.raises(InputError, match=f"a positive number, but is {sd}"):
        confirmation_power(sd, 12)
    with pytest.raises(InputError, match=f"a positive number, but is {sd}"):
        screening_power(design_from_counts(2, [1]), sd)


@pytest.mark.parametrize(("family", "correlation"), [(0, 0.0), (1, 1.0), (1, -1.0)])
def test_a_confirmation_that_cannot_be_is_refused(family, correlation):
    with pytest.raises(InputError, match=f"but they are {family} and {correlation}"):
        confirmation_power(0.2, family, correlation=correlation)


@pytest.mark.parametrize(("error", "degrees"), [(0.0, 3), (0.1, 0), (float("nan"), 3)])
def test_an_effect_is_visible_only_where_there_is_a_test(error, degrees):
    with pytest.raises(InputError, match=f"but they are {error} and {degrees}"):
        visible_effect(error, degrees, 0.05)


def test_the_table_shows_the_measured_spread_and_its_upper_end():
    spread = measure_spread(SCORES)
    text = power_table(spread, 12, design=design_from_counts(5, [2, 0]), names=["a", "b"], correlation=0.2)
    assert f"spread over seeds {spread.sd:.2f} points" in text
    for sd in (spread.sd, spread.high):
        for correlation in (0, 0.2):
            assert f"sd {sd:.2f} r {correlation:.2f}" in text
    power = confirmation_power(spread.high, 12, correlation=0.2)
    row = next(line for line in text.splitlines() if line.startswith("   10"))
    assert row.endswith(f"{power.corrected[8]:.2f}")
    assert next(line for line in text.splitlines() if line.startswith("b ")).split()[1:] == ["0", "-", "-", "-", "-"]
