"""What a study can see, before anything is spent.

All that is needed is the spread over seeds, s: what the screening leaves unexplained, or before there is one the
repeats of the host. It is itself uncertain: with ν degrees of freedom, ν s² / σ² is chi-squared, so that σ lies between
s √(ν / χ²_upper) and s √(ν / χ²_lower).

Effects are in the unit of the metric; 'visible' is found with probability 80 %, by exact power (`t_power`).
Corrected levels are α / family, Bonferroni's, which is the first and strictest step of Holm's test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ..errors import InputError
from .missing import Matrix
from .sequential import ALPHA, alpha_of_look
from .t_power import sd_of_difference, seeds_for_equivalence, seeds_to_see, visible_effect

__all__ = [
    "CellPower",
    "ConfirmationPower",
    "LookCost",
    "Needed",
    "Spread",
    "confirmation_power",
    "look_costs",
    "measure_spread",
    "screening_power",
    "spread_of_residuals",
]

EFFECTS = (0.1, 0.2, 0.3, 0.5, 1.0)
"""Effects on accuracy, in points, that the needed seeds are told for."""

SEEDS = tuple(range(2, 21))
"""Numbers of seeds that the visible effects are told for."""


@dataclass(frozen=True)
class Spread:
    """The standard deviation over seeds, the ends of its interval, and what it was measured by.

    Attributes:
        degrees: of freedom.
        source: in words, "the residuals of 24 runs".
    """

    sd: float
    low: float
    high: float
    degrees: int
    source: str


@dataclass(frozen=True)
class CellPower:
    """What a screening can see of one cell.

    Attributes:
        cell: its place among the cells, from 0.
        runs: how many runs hold it.
        visible: the smallest visible effect, taken alone; None where the runs cannot tell this cell.
        corrected: the same with the whole family looked at.
    """

    cell: int
    runs: int
    visible: float | None
    corrected: float | None


@dataclass(frozen=True)
class Needed:
    """The seeds that a confirmation needs for an effect; None if more than `SEEDS_CAP`.

    Attributes:
        to_see: pairs to see such an effect.
        for_equivalence: pairs to show that an arm which changes nothing lies within ±effect.
    """

    effect: float
    to_see: int | None
    for_equivalence: int | None


@dataclass(frozen=True)
class ConfirmationPower:
    """What a confirmation can see at its first look.

    Attributes:
        sd: standard deviation over seeds of each arm, in the unit of the metric.
        correlation: of the pairs.
        family: number of all cells looked at.
        visible: for each of `seeds`, the smallest visible effect of a claim taken alone.
        corrected: likewise, with the whole family looked at.
        needed: for each of the effects, the seeds, corrected.
    """

    sd: float
    correlation: float
    family: int
    seeds: tuple[int, ...]
    visible: tuple[float, ...]
    corrected: tuple[float, ...]
    needed: tuple[Needed, ...]


@dataclass(frozen=True)
class LookCost:
    """What it costs at a look, from 1, that seeds may be added later.

    Attributes:
        alpha: the level that the look spends.
        ratio: smallest visible effect at this look over that of a test of level α with as many seeds and no
            other look.
    """

    look: int
    alpha: float
    ratio: float


def measure_spread(scores: Sequence[float], *, confidence: float = 0.95) -> Spread:
    """Measure the spread over seeds from repeats of one plan.

    Raises:
        InputError: if there are fewer than two scores, one is not finite, or all are equal.
    """
    if len(scores) < 2 or not np.isfinite(scores).all() or np.ptp(scores) == 0:
        raise InputError(f"a spread needs at least two finite scores that are not equal, but got {list(scores)}")
    return _spread(float(np.std(scores, ddof=1)), len(scores) - 1, f"{len(scores)} runs of the host", confidence)


def spread_of_residuals(sd: float, degrees: int, runs: int, *, confidence: float = 0.95) -> Spread:
    """The spread over seeds that a screening measured: what effects that add up leave unexplained of its runs."""
    _check_sd(sd)
    return _spread(sd, degrees, f"the residuals of {runs} runs", confidence)


def _spread(sd: float, degrees: int, source: str, confidence: float) -> Spread:
    from scipy import stats  # slow to import, so only where it is needed

    lower, upper = (float(stats.chi2.ppf(q, degrees)) for q in ((1 - confidence) / 2, (1 + confidence) / 2))
    return Spread(sd, sd * sqrt(degrees / upper), sd * sqrt(degrees / lower), degrees, source)


def screening_power(
    design: Matrix, sd: float, *, family: int | None = None, alpha: float = ALPHA
) -> tuple[CellPower, ...]:
    """What a screening by least squares can see of each cell.

    The standard error of cell j is s √((XᵀX)⁻¹_jj), with n - rank X degrees of freedom. Effects are taken to add
    up over sites, as the screening itself takes them.

    Args:
        design: (n, 1 + cells), a column of ones, then 1 where a run holds the cell.
        sd: standard deviation over seeds, in the unit of the metric.
        family: number of cells looked at; all of the design's unless given.
        alpha: level.
    """
    _check_sd(sd)
    cells = design.shape[1] - 1
    family = cells if family is None else family
    inverse = np.linalg.pinv(design)
    # A coefficient is told if its unit vector lies in the row space, onto which pinv(X) X projects.
    told = np.diag(inverse @ design) > 1 - 1e-8
    errors = sd * np.sqrt((inverse**2).sum(axis=1))
    degrees = len(design) - int(np.linalg.matrix_rank(design))
    runs = design.sum(axis=0).astype(int)
    return tuple(
        CellPower(
            cell=cell,
            runs=int(runs[cell + 1]),
            visible=visible_effect(float(errors[cell + 1]), degrees, alpha) if can else None,
            corrected=visible_effect(float(errors[cell + 1]), degrees, alpha / family) if can else None,
        )
        for cell, can in enumerate(told[1:] & (degrees > 0))
    )


def confirmation_power(
    sd: float,
    family: int,
    *,
    correlation: float = 0.0,
    alpha: float = ALPHA,
    seeds: Sequence[int] = SEEDS,
    effects: Sequence[float] = EFFECTS,
) -> ConfirmationPower:
    """What a confirmation can see at its first look, by the paired t test.

    Args:
        sd: standard deviation over seeds of each arm, in the unit of the metric.
        family: number of all cells looked at.
        correlation: of the pairs: 0 unless it was measured.
        alpha: of the whole study; its first look spends a part of it.
        seeds: the numbers of seeds asked about, each at least 2.
        effects: those that the needed seeds are told for.

    Raises:
        InputError: if the spread or the family is not positive, or the correlation is not between -1 and 1.
    """
    _check_sd(sd)
    if family < 1 or not -1 < correlation < 1:
        raise InputError(
            "a family holds at least one cell and a correlation lies between -1 and 1, but they are "
            f"{family} and {correlation}"
        )
    spread, alone = sd_of_difference(sd, correlation), alpha_of_look(1, alpha)

    def visible(level: float) -> tuple[float, ...]:
        return tuple(visible_effect(spread / sqrt(n), n - 1, level) for n in seeds)

    needed = tuple(
        Needed(effect, seeds_to_see(effect, spread, alone / family), seeds_for_equivalence(effect, spread, alone))
        for effect in effects
    )
    return ConfirmationPower(sd, correlation, family, tuple(seeds), visible(alone), visible(alone / family), needed)


def look_costs(seeds: int, family: int, *, looks: int = 4, alpha: float = ALPHA) -> tuple[LookCost, ...]:
    """What the sequential rule costs at each look, against a test of fixed size."""
    fixed = visible_effect(1.0, seeds - 1, alpha / family)
    levels = [alpha_of_look(look, alpha) for look in range(1, looks + 1)]
    return tuple(
        LookCost(look, level, visible_effect(1.0, seeds - 1, level / family) / fixed)
        for look, level in enumerate(levels, start=1)
    )


def _check_sd(sd: float) -> None:
    if not 0 < sd < float("inf"):
        raise InputError(f"a spread over seeds is a positive number, but is {sd}")
