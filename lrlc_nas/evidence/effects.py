"""The screening: main effects of every choice at every site, from the complete runs of a study.

With y the accuracy of a run in points (100 x fraction) and x[s, c] = 1 where its plan has choice c at site s

    y = host + Σ effect[s, c] · x[s, c] + error,

fitted by ordinary least squares; ``conv`` is the level that all others are compared with. The intervals are
Student's t intervals of the coefficients.

Reference: Montgomery, "Design and Analysis of Experiments", chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from statsmodels.regression.linear_model import OLS

from ..choices import CONV, Plan
from ..store import RunRecord, StudyRecord
from ..study import best_run
from .caveats import caveats


__all__ = ["CONFIDENCE", "Effect", "HostSummary", "Screening", "screen"]

CONFIDENCE = 0.95
"""The level of all intervals, each taken by itself."""

_Matrix = NDArray[np.float64]

# Rounding alone leaves about 1e-14; a spread of 1e-9 points is no spread between trained networks.
_NO_SPREAD = 1e-9


@dataclass(frozen=True)
class Effect:
    """What one choice at one site changes against ``conv`` there, in points of accuracy.

    Attributes:
        site: name of the site.
        choice: token of the choice.
        estimate: None where the runs cannot tell it.
        low: lower end of the 95 % interval; None where there is no interval.
        high: upper end of the 95 % interval; None where there is no interval.
        runs: how many of the runs used hold this choice there.
        reason: why there is no estimate or no interval; empty otherwise.
    """

    site: str
    choice: str
    estimate: float | None
    low: float | None
    high: float | None
    runs: int
    reason: str = ""

    @property
    def estimable(self) -> bool:
        """Whether the runs tell this effect from all others."""
        return self.estimate is not None

    @property
    def distinguishable(self) -> bool:
        """Whether there is an interval and it excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class HostSummary:
    """The complete runs of the untouched host.

    Attributes:
        runs: how many there are.
        mean: mean accuracy in points; None without a run.
        sd: standard deviation over seeds, in points; None with fewer than two runs.
    """

    runs: int
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Screening:
    """All that the complete runs of a study say. No number in it is NaN or infinite.

    Attributes:
        effects: one for each site and choice except ``conv``, in the order of the study's space.
        host: the runs of the untouched host.
        residual_sd: standard deviation, in points, of what the main effects leave unexplained; None without
            degrees of freedom.
        runs_used: number of complete runs, which are those that were used.
        runs_pruned: number of pruned runs, which were not.
        degrees_of_freedom: runs used less the rank of the design; 0 without a run.
        best: the complete run of the highest accuracy, the first of equals; None without a complete run.
        caveats: sentences that belong beside the numbers.
    """

    effects: tuple[Effect, ...]
    host: HostSummary
    residual_sd: float | None
    runs_used: int
    runs_pruned: int
    degrees_of_freedom: int
    best: RunRecord | None
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class _Fit:
    """A coefficient for each column; NaN where it cannot be told, and in all intervals if there are none."""

    estimates: _Matrix
    lows: _Matrix
    highs: _Matrix
    residual_sd: float | None
    degrees_of_freedom: int


def screen(study: StudyRecord, runs: Sequence[RunRecord]) -> Screening:
    """Estimate every main effect of a study.

    Args:
        study: gives the space, and so which effects there are.
        runs: all runs of the study, whatever their state; only complete ones are used.

    Returns:
        The effects, with None where a number cannot be told.
    """
    used = [run for run in runs if run.state == "complete" and run.plan is not None and _has_value(run)]
    cells = [(site, token) for site, tokens in study.space.items() for token in tokens if token != str(CONV)]
    design = _design(cells, [run.plan for run in used if run.plan is not None])
    fit = _fit(design, np.array([_points(run) for run in used]))
    counts = design[:, 1:].sum(axis=0).astype(int)
    effects = tuple(
        _effect(cell, fit, column, int(counts[column - 1])) for column, cell in enumerate(cells, start=1)
    )
    host = _host(used)
    return Screening(
        effects=effects,
        host=host,
        residual_sd=fit.residual_sd,
        runs_used=len(used),
        runs_pruned=sum(run.state == "pruned" for run in runs),
        degrees_of_freedom=fit.degrees_of_freedom,
        best=best_run(used),
        caveats=caveats(runs, used, effects=len(cells), degrees_of_freedom=fit.degrees_of_freedom),
    )


def _has_value(run: RunRecord) -> bool:
    return run.value is not None and isfinite(run.value)


def _points(run: RunRecord) -> float:
    assert run.value is not None
    return 100 * run.value


def _design(cells: Sequence[tuple[str, str]], plans: Sequence[Plan]) -> _Matrix:
    """The one-hot design: (runs, 1 + cells), with the host's column of ones first."""
    design = np.zeros((len(plans), 1 + len(cells)))
    design[:, 0] = 1
    columns = {cell: column for column, cell in enumerate(cells, start=1)}
    for row, plan in enumerate(plans):
        for site, token in plan.tokens.items():
            if (site, token) in columns:
                design[row, columns[site, token]] = 1
    return design


def _fit(design: _Matrix, points: _Matrix) -> _Fit:
    runs, columns = design.shape
    nothing = np.full(columns, np.nan)
    if runs == 0:
        return _Fit(nothing, nothing, nothing, None, 0)
    basis = _independent(design)
    told = _told(design)
    # Of the aliased columns some are left out. That moves only coefficients that cannot be told anyway.
    result = OLS(points, design[:, basis]).fit()
    estimates = nothing.copy()
    estimates[basis] = result.params
    estimates[~told] = np.nan
    degrees = runs - len(basis)
    if degrees == 0:
        return _Fit(estimates, nothing, nothing, None, 0)
    residual_sd = float(np.sqrt(result.scale))
    if residual_sd < _NO_SPREAD:
        return _Fit(estimates, nothing, nothing, 0.0, degrees)
    bounds = np.full((columns, 2), np.nan)
    bounds[basis] = result.conf_int(alpha=1 - CONFIDENCE)
    bounds[~told] = np.nan
    return _Fit(estimates, bounds[:, 0], bounds[:, 1], residual_sd, degrees)


def _independent(design: _Matrix) -> NDArray[np.intp]:
    """Indices of a largest set of linearly independent columns, ascending."""
    _, _, order = qr(design, mode="economic", pivoting=True)
    return np.sort(order[: np.linalg.matrix_rank(design)])


def _told(design: _Matrix) -> NDArray[np.bool_]:
    """Which coefficients the design determines: those whose unit vector lies in its row space.

    Reference: Searle, "Linear Models", section 5.4 (estimable functions).
    """
    _, _, right = np.linalg.svd(design, full_matrices=False)
    rows = right[: np.linalg.matrix_rank(design)]
    return np.asarray((rows**2).sum(axis=0) > 1 - 1e-8)


def _effect(cell: tuple[str, str], fit: _Fit, column: int, runs: int) -> Effect:
    estimate, low, high = (
        None if np.isnan(values[column]) else float(values[column])
        for values in (fit.estimates, fit.lows, fit.highs)
    )
    return Effect(*cell, estimate, low, high, runs, _reason(estimate, low, fit, runs))


def _reason(estimate: float | None, low: float | None, fit: _Fit, runs: int) -> str:
    if runs == 0:
        return "no complete run holds this choice here"
    if estimate is None:
        return "the complete runs do not separate this choice from others"
    if low is None and fit.degrees_of_freedom == 0:
        return "as many effects as runs: nothing is left to tell the spread"
    if low is None:
        return "the runs show no spread at all, so that there is nothing to measure an effect by"
    return ""


def _host(used: Sequence[RunRecord]) -> HostSummary:
    points = [_points(run) for run in used if run.plan == Plan()]
    return HostSummary(
        runs=len(points),
        mean=float(np.mean(points)) if points else None,
        sd=float(np.std(points, ddof=1)) if len(points) > 1 else None,
    )
