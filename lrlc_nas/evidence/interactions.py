"""Where effects do not add up: a choice alone and together with other sites, and pairs of relaxed sites.

*Alone and in company.* For one site the runs fall in two: those in which every other site is ``conv``, and the rest.
In the first each choice has a level of its own, a[c]; in the second effects add up over sites:

    y = a[c]                        every other site is conv
    y = m + Σ effect[s, c]·x[s, c]  at least one other site is relaxed

``a[c] - a[conv]`` is the effect alone, ``effect[site, c]`` the effect in company, and they are equal if effects add
up.

*Pairs.* The main effects and one column more, which is 1 where both sites of a pair are relaxed: its coefficient is
what both give beyond the sum of their effects, the choices averaged. One number for each pair is what a search can
tell; an interaction of all choices with all would take nine for two sites of four choices.

Both are fitted as the effects are, runs that were pruned included (`missing`). Their p-values are adjusted for how
many there are by Benjamini and Hochberg's procedure: of the disagreements that are named, about 5 % are none. That none
is named says little where the study could have seen large ones alone, so each pair has the smallest interaction that
would be found in 80 % of studies: about (t_{1-α/2} + t_{0.8}) standard errors, at α = 5 % over the number of pairs,
which is the first step of the procedure.

References: Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995); Bloom, "Minimum Detectable Effects", Evaluation
Review 19 (1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

import numpy as np
from scipy.special import stdtrit

from ..choices import CONV, Plan
from ..config import Metric
from .design_matrix import Cell, Observed, main_effects
from .missing import CONFIDENCE, Contrast, Matrix, StaircaseFit, fit_staircase
from .t_power import POWER

__all__ = ["Context", "Interaction", "benjamini_hochberg", "contexts", "interactions"]


@dataclass(frozen=True)
class Context:
    """One choice at one site, alone and together with other sites, in the unit of the metric.

    Attributes:
        alone: effect where every other site is ``conv``; None where the runs cannot tell it.
        in_company: effect where other sites are relaxed too; likewise.
        difference: `in_company` less `alone`, with its 95 % interval `low` to `high` and `p_value`, of equality; each
            None where it cannot be told.
        adjusted: the p-value, adjusted over all cells of the study.
        runs_alone: complete runs that hold the choice here with ``conv`` everywhere else.
        runs_in_company: other complete runs that hold it.
        reason: why there is no difference; empty otherwise.
        alone_low: the 95 % interval of `alone` is `alone_low` to `alone_high`; None where there is none.
    """

    site: str
    choice: str
    alone: float | None
    in_company: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None
    runs_alone: int
    runs_in_company: int
    reason: str = ""
    alone_low: float | None = None
    alone_high: float | None = None

    def known_alone(self, effect: float) -> bool:
        """Whether the choice, with ``conv`` everywhere else, has been seen to do something of the sign of an effect."""
        end = self.alone_low if effect > 0 else self.alone_high
        return end is not None and end * effect > 0

    @property
    def disagrees(self) -> bool:
        """Whether alone and in company differ by more than chance."""
        return self.adjusted is not None and self.adjusted <= 1 - CONFIDENCE

    def sentence(self, metric: Metric) -> str:
        """What to say beside a cell that disagrees; empty otherwise."""
        if not self.disagrees:
            return ""
        told = (self.in_company, self.difference, self.low, self.high)
        company, difference, low, high = (metric.signed(each or 0.0) for each in told)
        return (
            f"interaction: {metric.difference(self.alone or 0.0)} alone, {company} with other sites relaxed "
            f"(difference {difference} [{low}, {high}])"
        )


@dataclass(frozen=True)
class Interaction:
    """What relaxing two sites at once does beyond the sum of their effects, in the unit of the metric.

    Attributes:
        estimate: with its 95 % interval `low` to `high` and `p_value`, of no interaction; each None where the runs
            cannot tell it.
        adjusted: the p-value, adjusted over all pairs of the study.
        runs: complete runs in which both are relaxed.
        visible: the smallest interaction that this study finds with probability 80 %; None where there is no interval.
    """

    first: str
    second: str
    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None
    runs: int
    visible: float | None = None

    @property
    def flagged(self) -> bool:
        """Whether the two interact by more than chance."""
        return self.adjusted is not None and self.adjusted <= 1 - CONFIDENCE


_Tested = TypeVar("_Tested", Context, Interaction)


def contexts(cells: Sequence[Cell], seen: Observed) -> tuple[Context, ...]:
    """Compare each choice alone with the same choice together with other sites, in the order of the cells."""
    sites = dict.fromkeys(site for site, _ in cells)
    additive = main_effects(cells, seen.plans)
    return _adjusted([context for site in sites for context in _at_site(site, cells, additive, seen)])


def interactions(cells: Sequence[Cell], seen: Observed) -> tuple[Interaction, ...]:
    """Test each pair of sites, by the runs that are used."""
    sites = dict.fromkeys(site for site, _ in cells)
    additive = main_effects(cells, seen.plans)
    pairs = list(combinations(sites, 2))
    return _adjusted([_pair(first, second, additive, seen, len(pairs)) for first, second in pairs])


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: sorted, p_(i) becomes the least of m / k · p_(k) with k >= i, and at most 1."""
    raw = np.asarray(p_values, dtype=np.float64)
    order = raw.argsort()
    steps = raw[order] / (np.arange(1, len(raw) + 1) / len(raw))
    adjusted = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1)
    return [float(each) for each in adjusted[order.argsort()]]


def _at_site(site: str, cells: Sequence[Cell], additive: Matrix, seen: Observed) -> list[Context]:
    tokens = [token for name, token in cells if name == site]
    alone = np.array([_is_alone(plan, site) for plan in seen.plans], dtype=bool)
    levels = np.array(
        [[plan.at(site).token == token for token in (str(CONV), *tokens)] for plan in seen.plans], dtype=float
    ).reshape(len(seen.plans), 1 + len(tokens))
    design = np.hstack([levels * alone[:, None], additive * ~alone[:, None]])
    fit = fit_staircase(design, seen.outcomes)
    found = []
    for number, token in enumerate(tokens, start=1):
        by_itself, together = np.zeros(design.shape[1]), np.zeros(design.shape[1])
        by_itself[[number, 0]] = 1, -1
        together[levels.shape[1] + 1 + cells.index((site, token))] = 1
        found.append(_context((site, token), by_itself, together, fit, seen))
    return found


def _context(cell: Cell, by_itself: Matrix, together: Matrix, fit: StaircaseFit, seen: Observed) -> Context:
    holds = np.array([plan.at(cell[0]).token == cell[1] for plan in seen.plans], dtype=bool)
    alone, company, difference = (
        fit.contrast(each, holds) if fit.determined else Contrast()
        for each in (by_itself, together, together - by_itself)
    )
    plans = [plan for plan in seen.plans[: len(seen.complete)] if plan.at(cell[0]).token == cell[1]]
    runs_alone = sum(_is_alone(plan, cell[0]) for plan in plans)
    return Context(
        *cell,
        alone=alone.estimate,
        in_company=company.estimate,
        difference=difference.estimate,
        low=difference.low,
        high=difference.high,
        p_value=difference.p_value,
        adjusted=None,
        runs_alone=runs_alone,
        runs_in_company=len(plans) - runs_alone,
        reason=_reason(difference, runs_alone, len(plans) - runs_alone),
        alone_low=alone.low,
        alone_high=alone.high,
    )


def _reason(difference: Contrast, runs_alone: int, runs_in_company: int) -> str:
    if difference.low is not None:
        return ""
    if not runs_alone:
        return "no complete run has this choice alone"
    if not runs_in_company:
        return "no complete run has this choice together with other sites"
    return "too few complete runs to compare alone and together with other sites"


def _pair(first: str, second: str, additive: Matrix, seen: Observed, pairs: int) -> Interaction:
    both = np.array([_relaxed(plan, first) and _relaxed(plan, second) for plan in seen.plans], dtype=float)
    runs = int(both[: len(seen.complete)].sum())
    found = _added(both, additive, seen) if runs else Contrast()
    return Interaction(
        first, second, found.estimate, found.low, found.high, found.p_value, None, runs, _visible(found, pairs)
    )


def _visible(found: Contrast, pairs: int) -> float | None:
    if found.error is None or found.degrees is None:
        return None
    level = (1 - CONFIDENCE) / pairs
    return float(found.error * (stdtrit(found.degrees, 1 - level / 2) + stdtrit(found.degrees, POWER)))


def _added(column: Matrix, additive: Matrix, seen: Observed) -> Contrast:
    """The coefficient of a column that is added to the main effects."""
    design = np.column_stack([additive, column])
    fit = fit_staircase(design, seen.outcomes)
    last = np.zeros(design.shape[1])
    last[-1] = 1
    return fit.contrast(last, column > 0) if fit.determined else Contrast()


def _adjusted(found: Sequence[_Tested]) -> tuple[_Tested, ...]:
    """The same with their p-values adjusted for how many there are."""
    adjusted = iter(benjamini_hochberg([each.p_value for each in found if each.p_value is not None]))
    return tuple(each if each.p_value is None else replace(each, adjusted=next(adjusted)) for each in found)


def _is_alone(plan: Plan, site: str) -> bool:
    return all(name == site for name, _ in plan)


def _relaxed(plan: Plan, site: str) -> bool:
    return plan.at(site) != CONV
