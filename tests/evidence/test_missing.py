"""The laws of the staircase: least squares where nothing is missing, maximum likelihood where something is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize

from lrlc_nas.evidence.missing import fit_staircase


def drawn(rows=40, seed=0, steps=2):
    """Two crossed indicators; whoever is below the median misses all that follows, but for a block of eight."""
    rng = np.random.default_rng(seed)
    number = np.arange(rows)
    design = np.column_stack([np.ones(rows), number % 2, number // 2 % 2])
    noise = np.cumsum(rng.normal(0, 1, (rows, steps)), axis=1)
    outcomes = design @ np.array([[50.0, 3.0, -2.0]] * steps).T + noise
    for step in range(steps - 1):
        behind = outcomes[:, step] < np.nanmedian(outcomes[:, step])
        outcomes[behind & (number >= 8), step + 1 :] = np.nan
    return design, outcomes


@pytest.mark.parametrize("seed", range(3))
def test_with_nothing_missing_it_is_least_squares_and_students_t(seed):
    """Textbook least squares by the normal equations; numbers of another library stand in test_known_numbers."""
    design, outcomes = drawn(seed=seed)
    end = outcomes[:, 0]
    fit = fit_staircase(design, end[:, None])
    inverse = np.linalg.inv(design.T @ design)
    known = inverse @ design.T @ end
    degrees = len(end) - 3
    sd = np.sqrt(((end - design @ known) ** 2).sum() / degrees)
    for column, unit in enumerate(np.eye(3)):
        found, error = fit.contrast(unit), sd * np.sqrt(inverse[column, column])
        p_value = 2 * stats.t.sf(abs(known[column]) / error, degrees)
        assert (found.estimate, found.p_value) == pytest.approx((known[column], p_value))
        assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, degrees, known[column], error))
    assert (fit.degrees_of_freedom, fit.residual_sd) == (degrees, pytest.approx(sd))


def imputed(design, outcomes):
    """An oracle: fill each gap with its regression on plan and earlier outcomes, then least squares."""
    filled = outcomes.copy()
    for step in range(1, outcomes.shape[1]):
        there = ~np.isnan(outcomes[:, step])
        known = np.column_stack([design, filled[:, :step]])
        slopes, *_ = np.linalg.lstsq(known[there], outcomes[there, step], rcond=None)
        filled[~there, step] = known[~there] @ slopes
    return np.linalg.lstsq(design, filled[:, -1], rcond=None)[0]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_estimates_are_those_of_regression_imputation(seed, steps):
    design, outcomes = drawn(seed=seed, rows=60, steps=steps)
    fit = fit_staircase(design, outcomes)
    assert [fit.contrast(unit).estimate for unit in np.eye(3)] == pytest.approx(imputed(design, outcomes))


def test_estimates_maximise_the_likelihood():
    """That of two correlated normal outcomes, of which the second is there for some rows only, written out."""
    design, outcomes = drawn(rows=30, seed=5)
    there = ~np.isnan(outcomes[:, 1])

    def minus_log_likelihood(parameters):
        means = design @ parameters[:6].reshape(2, 3).T
        factor = np.array([[np.exp(parameters[6]), 0], [parameters[7], np.exp(parameters[8])]])
        covariance = factor @ factor.T
        whole = stats.multivariate_normal([0, 0], covariance).logpdf(outcomes[there] - means[there])
        early = stats.norm(0, np.sqrt(covariance[0, 0])).logpdf(outcomes[~there, 0] - means[~there, 0])
        return -(whole.sum() + early.sum())

    start = np.concatenate([[50, 0, 0] * 2, [0, 0, 0]]).astype(float)
    best = minimize(minus_log_likelihood, start, method="BFGS", options={"gtol": 1e-4})
    fit = fit_staircase(design, outcomes)
    found = [fit.contrast(unit).estimate for unit in np.eye(3)]
    assert found == pytest.approx(best.x[3:6], abs=2e-3)


def test_selection_biases_the_survivors_but_not_the_staircase():
    survivors, staircase = [], []
    for seed in range(200):
        design, outcomes = drawn(seed=seed)
        there = ~np.isnan(outcomes[:, 1])
        unit = np.array([0.0, 1.0, 0.0])
        survivors.append(fit_staircase(design[there], outcomes[there, 1:]).contrast(unit).estimate)
        staircase.append(fit_staircase(design, outcomes).contrast(unit).estimate)
    standard_error = np.std(staircase) / np.sqrt(200)
    assert abs(np.mean(staircase) - 3.0) < 3 * standard_error
    assert abs(np.mean(survivors) - 3.0) > 6 * standard_error


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(400):
        design, outcomes = drawn(rows=24, seed=seed)
        fit = fit_staircase(design, outcomes)
        for unit, truth in zip(np.eye(3)[1:], (3.0, -2.0), strict=True):
            found = fit.contrast(unit)
            held.append(found.low <= truth <= found.high)
    assert 0.93 < np.mean(held) < 0.975  # a standard error of 0.8 percent


def test_a_combination_that_the_plans_do_not_separate_is_not_told():
    design, outcomes = drawn()
    twice = np.column_stack([design, design[:, 1]])
    fit = fit_staircase(twice, outcomes)
    assert fit.contrast(np.array([0.0, 1.0, 0.0, 0.0])).estimate is None
    both = fit.contrast(np.array([0.0, 1.0, 0.0, 1.0]))
    assert both.estimate == pytest.approx(fit_staircase(design, outcomes).contrast(np.eye(3)[1]).estimate)


def test_a_rung_where_all_are_equal_does_not_determine_its_slope():
    design, outcomes = drawn()
    outcomes[:, 0] = 50.0
    assert not fit_staircase(design, outcomes).determined


def test_without_runs_nothing_is_told():
    fit = fit_staircase(np.empty((0, 3)), np.empty((0, 1)))
    assert (fit.contrast(np.eye(3)[1]).estimate, fit.residual_sd, fit.degrees_of_freedom) == (None, None, 0)
