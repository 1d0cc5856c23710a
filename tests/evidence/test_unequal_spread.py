"""The spread of an estimate where one choice varies more: against its definition by whole matrices, and by its laws."""

import numpy as np
import pytest
from toy_designs import design_from_counts

from lrlc_nas.evidence.unequal_spread import spread_of_estimate

CROSSED = np.array([[1, a, b] for a in (0, 1) for b in (0, 1)] * 3, dtype=float)


def parts(design, outcome, column):
    """Basis, residuals and weights of a coefficient of least squares."""
    inverse = np.linalg.pinv(design)
    return np.linalg.qr(design)[0], outcome - design @ (inverse @ outcome), inverse[column]


def test_it_is_what_whole_matrices_give():
    outcome = np.random.default_rng(0).normal(size=len(CROSSED)) * (1 + 2 * CROSSED[:, 1])
    holds = CROSSED[:, 1] > 0
    basis, residuals, weights = parts(CROSSED, outcome, 1)
    project = np.eye(len(CROSSED)) - basis @ basis.T
    groups = (holds, ~holds)
    information = [[(project[np.ix_(g, k)] ** 2).sum() for k in groups] for g in groups]
    ours, rest = np.linalg.solve(information, [(residuals[group] ** 2).sum() for group in groups])
    by_run = np.where(holds, ours, rest)
    variance = float(weights**2 @ by_run)
    # Of a quadratic form eᵀDe with e = M y: mean tr(DMVM) and variance 2 tr((DMVM)²).
    scaled = np.array([(weights[g] ** 2).sum() * by_run[g][0] / (residuals[g] ** 2).sum() for g in groups])
    form = np.where(holds, *scaled)[:, None] * project @ np.diag(by_run) @ project
    found, degrees = spread_of_estimate(basis, residuals, weights, holds)
    assert found == pytest.approx(variance)
    assert degrees == pytest.approx(variance**2 / np.trace(form @ form))


def test_without_groups_it_is_least_squares():
    outcome = np.random.default_rng(1).normal(size=len(CROSSED))
    basis, residuals, weights = parts(CROSSED, outcome, 2)
    expected = (residuals**2).sum() / 9 * np.linalg.inv(CROSSED.T @ CROSSED)[2, 2]
    assert spread_of_estimate(basis, residuals, weights, None) == (pytest.approx(expected), 9)


def test_a_single_run_tells_nothing_of_the_spread_of_its_choice():
    design = design_from_counts(5, [1, 3])
    outcome = np.random.default_rng(2).normal(size=len(design))
    for column in (1, 2):
        given = parts(design, outcome, column)
        own = spread_of_estimate(*given, design[:, column] > 0)
        assert (own == pytest.approx(spread_of_estimate(*given, None))) == (column == 1)


def test_a_wider_choice_has_a_wider_interval_and_leaves_the_others_alone():
    outcome = np.random.default_rng(3).normal(size=len(CROSSED))
    wide = np.where(CROSSED[:, 1] > 0, 5 * outcome, outcome)
    holds = CROSSED[:, 1] > 0
    equal, unequal = (spread_of_estimate(*parts(CROSSED, each, 1), holds)[0] for each in (outcome, wide))
    pooled = spread_of_estimate(*parts(CROSSED, wide, 1), None)[0]
    assert equal < unequal
    assert unequal == pytest.approx(pooled, rel=0.5)  # a balanced design: there least squares errs little
