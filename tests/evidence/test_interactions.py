"""Alone and in company: equal where effects add up, named where they do not."""

import itertools

import numpy as np
import pytest
from scipy import stats

from lrlc_nas.choices import Plan
from lrlc_nas.config import ACCURACY
from lrlc_nas.evidence.design_matrix import Observed
from lrlc_nas.evidence.interactions import contexts, interactions

CELLS = [(site, token) for site in ("conv1", "conv2", "conv3") for token in ("lrlc-2", "lc")]
PLANS = [{}] * 3 + [
    {site: token for site, token in zip(("conv1", "conv2", "conv3"), tokens, strict=True) if token != "conv"}
    for tokens in itertools.product(("conv", "lrlc-2", "lc"), repeat=3)
]


def observed(plans, points):
    """Complete runs without any that was pruned; the records themselves are of no concern here."""
    plans = tuple(Plan.of(tokens) for tokens in plans)
    return Observed(tuple(range(len(plans))), (), plans, np.array(points, dtype=float)[:, None])


def points(plans, extra=0.0, sd=0.3, seed=0):
    """Additive effects, and something more where conv1 and conv2 are both relaxed."""
    noise = np.random.default_rng(seed).normal(0, sd, len(plans))
    both = np.array([{"conv1", "conv2"} <= tokens.keys() for tokens in plans])
    return 80 + np.array([len(tokens) for tokens in plans]) + extra * both + noise


def test_alone_is_the_difference_of_means_to_the_host():
    values = points(PLANS)
    found = {(each.site, each.choice): each for each in contexts(CELLS, observed(PLANS, values))}
    host = np.mean([value for tokens, value in zip(PLANS, values, strict=True) if not tokens])
    for site, token in CELLS:
        (single,) = (value for tokens, value in zip(PLANS, values, strict=True) if tokens == {site: token})
        assert found[site, token].alone == pytest.approx(single - host)
        assert (found[site, token].runs_alone, found[site, token].runs_in_company) == (1, 8)


def test_in_company_is_least_squares_over_the_other_runs():
    values = points(PLANS)
    rows = [row for row, tokens in enumerate(PLANS) if tokens.keys() - {"conv2"}]
    design = np.array([[1.0] + [PLANS[row].get(site) == token for site, token in CELLS] for row in rows])
    expected, *_ = np.linalg.lstsq(design, values[rows], rcond=None)
    found = {(each.site, each.choice): each for each in contexts(CELLS, observed(PLANS, values))}
    for column, (site, token) in enumerate(CELLS, start=1):
        if site == "conv2":
            each = found[site, token]
            assert each.in_company == pytest.approx(expected[column])
            assert each.difference == pytest.approx(each.in_company - each.alone)
            assert each.low < each.difference < each.high


def test_a_pair_is_the_difference_of_differences_where_nothing_else_is():
    plans = [{}, {"conv1": "lc"}, {"conv2": "lc"}, {"conv1": "lc", "conv2": "lc"}] * 3
    values = points(plans, extra=2.0)
    (pair,) = interactions([("conv1", "lc"), ("conv2", "lc")], observed(plans, values))
    host, first, second, both = (values[start::4] for start in range(4))
    estimate = both.mean() - first.mean() - second.mean() + host.mean()
    # The runs that relax both have a spread of their own (2 degrees of freedom), and the others one together (6).
    parts = np.array([both.var(ddof=1), sum(group.var(ddof=1) for group in (host, first, second))]) / 3
    scale, degrees = np.sqrt(parts.sum()), parts.sum() ** 2 / (parts**2 / [2, 6]).sum()
    reach = stats.t(degrees).ppf(0.975) * scale
    assert (pair.estimate, pair.runs) == (pytest.approx(estimate), 3)
    assert (pair.low, pair.high) == pytest.approx((estimate - reach, estimate + reach))
    assert pair.adjusted == pair.p_value == pytest.approx(2 * stats.t(degrees).sf(abs(estimate) / scale))


def test_what_interacts_is_found_and_named():
    seen = observed(PLANS, points(PLANS, extra=-3.0))
    flagged = [(pair.first, pair.second) for pair in interactions(CELLS, seen) if pair.flagged]
    assert flagged == [("conv1", "conv2")]
    disagreeing = [each for each in contexts(CELLS, seen) if each.disagrees]
    assert {each.site for each in disagreeing} <= {"conv1", "conv2"}
    assert disagreeing
    for each in disagreeing:
        assert each.difference < 0
        assert each.sentence(ACCURACY).startswith(f"interaction: {each.alone:+.2f} points alone, ")


def test_where_effects_add_up_little_is_named():
    named = 0
    for seed in range(50):
        seen = observed(PLANS, points(PLANS, seed=seed))
        named += any(pair.flagged for pair in interactions(CELLS, seen))
        named += any(each.disagrees for each in contexts(CELLS, seen))
    assert named <= 12  # of 100, 5 expected


def test_adjusted_p_values_are_those_of_benjamini_and_hochberg():
    found = interactions(CELLS, observed(PLANS, points(PLANS, extra=0.4)))
    expected = stats.false_discovery_control([pair.p_value for pair in found])
    assert [pair.adjusted for pair in found] == pytest.approx(list(expected))


@pytest.mark.parametrize(
    ("plans", "reason"),
    [
        ([{}, {}, {"conv1": "lc", "conv2": "lc"}], "no complete run has this choice alone"),
        ([{}, {}, {"conv1": "lc"}], "no complete run has this choice together with other sites"),
        ([{}, {"conv1": "lc"}, {"conv1": "lc", "conv2": "lc"}], "too few complete runs to compare"),
        ([], "no complete run has this choice alone"),
    ],
)
def test_what_cannot_be_told_has_a_reason(plans, reason):
    seen = observed(plans, [80.0 + number for number in range(len(plans))])
    first, *_ = contexts([("conv1", "lc"), ("conv2", "lc")], seen)
    assert reason in first.reason
    assert (first.difference, first.low, first.adjusted, first.sentence(ACCURACY)) == (None, None, None, "")
    (pair,) = interactions([("conv1", "lc"), ("conv2", "lc")], seen)
    assert (pair.low, pair.adjusted, pair.flagged) == (None, None, False)


def test_the_smallest_interaction_that_is_visible_is_found_in_four_of_five_studies():
    sites = [("conv1", "lc"), ("conv2", "lc")]
    plans = [{}, {"conv1": "lc"}, {"conv2": "lc"}, {"conv1": "lc", "conv2": "lc"}] * 10
    seen = [observed(plans, points(plans, seed=seed)) for seed in range(150)]
    visible = np.mean([pair.visible for each in seen for pair in interactions(sites, each)])
    planted = [observed(plans, points(plans, extra=visible, seed=seed)) for seed in range(150)]
    found = np.mean([pair.flagged for each in planted for pair in interactions(sites, each)])
    assert found == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 150))


def test_a_gain_of_two_sites_together_is_no_gain_of_one_alone():
    gains = 80 + 5.0 * np.array([{"conv1", "conv2"} <= tokens.keys() for tokens in PLANS])
    noise = np.random.default_rng(0).normal(0, 0.3, len(PLANS))
    alone = {each.site: each for each in contexts(CELLS, observed(PLANS, gains + noise)) if each.choice == "lc"}
    assert not any(each.known_alone(2.0) for each in alone.values())
    added = {each.site: each for each in contexts(CELLS, observed(PLANS, points(PLANS, sd=0.1)))}
    assert all(each.known_alone(1.0) and not each.known_alone(-1.0) for each in added.values())
