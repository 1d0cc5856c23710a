"""The screening: main effects of every choice at every site, from the block and the sampled runs together.

With y the value of a run as a gain (`Metric.gain`: for accuracy 100 x fraction) and x[s, c] = 1 where its plan
has choice c at site s

    y = host + Σ effect[s, c] · x[s, c] + error;

``conv`` is the level that all others are compared with. Complete runs alone give this by ordinary least squares;
with runs that fell behind and were pruned it is the last of several such regressions, one for each epoch where
that happened (see `lrlc_nas.evidence.missing`), which takes the survivors for what they are: selected. The intervals
are Student's t intervals of the coefficients.

That the sampler's choice of plans depends on earlier results does not enter the likelihood; the simulated
searches of ``python -m tests.rates`` measure what is left of it in the coverage of the intervals.

Reference: Montgomery, "Design and Analysis of Experiments", chapter 10.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..choices import Plan
from ..config import ACCURACY, Metric
from ..facts import RunState
from ..runs.results import EpochResult
from ..search import best_run
from ..store import RunRecord, StudyRecord
from .by_chance import probability_of_as_many
from .caveats import caveats
from .design_matrix import Cell, Observed, cells_of, main_effects, observe
from .interactions import Context, Interaction, contexts, interactions
from .missing import CONFIDENCE, Contrast, StaircaseFit, fit_staircase
from .rising_curves import RisingCurves, rising_curves

__all__ = ["CONFIDENCE", "Effect", "HostSummary", "Screening", "screen"]


@dataclass(frozen=True)
class Effect:
    """What one choice at one site changes against ``conv`` there: a gain, in the unit of the metric.

    Attributes:
        estimate: None where the runs cannot tell it.
        low: the 95 % interval is `low` to `high`; None where there is none.
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
    """The complete runs of the untouched host: their number, mean and standard deviation over seeds, times the scale.

    The mean is None without a run, the standard deviation with fewer than two.
    """

    runs: int
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Screening:
    """All that the runs of a study say. No number in it is NaN or infinite.

    Attributes:
        effects: one for each site and choice except ``conv``, in the order of the study's space.
        contexts: the same cells, alone and together with other sites.
        interactions: one for each pair of sites.
        host: the runs of the untouched host.
        residual_sd: standard deviation, in the unit of the metric, of what the main effects leave unexplained; None
            without degrees of freedom.
        runs_used: number of complete runs that were used.
        runs_pruned_used: number of runs that fell behind, were pruned and were used up to there.
        runs_pruned: number of pruned runs, used or not.
        degrees_of_freedom: complete runs used less the rank of the last regression; 0 without a run.
        best: the complete run of the best value, the first of equals; None without a complete run.
        caveats: sentences that belong beside the numbers.
        metric: of which effects are gains.
        by_chance: the probability that as many intervals exclude zero in a study of this design without any effect,
            by its complete runs; None where none excludes it.
        rising: how far the curves of the complete runs still rise; None if they do not. It is the first caveat.
    """

    effects: tuple[Effect, ...]
    contexts: tuple[Context, ...]
    interactions: tuple[Interaction, ...]
    host: HostSummary
    residual_sd: float | None
    runs_used: int
    runs_pruned_used: int
    runs_pruned: int
    degrees_of_freedom: int
    best: RunRecord | None
    caveats: tuple[str, ...]
    metric: Metric = ACCURACY
    by_chance: float | None = None
    rising: RisingCurves | None = None

    def known_alone(self, effect: Effect) -> bool:
        """Whether an effect is one of its site alone, as far as the runs can tell, or of the plans that hold it.

        It is where the choice with ``conv`` everywhere else has an interval that excludes zero on the same side.
        """
        cell = (effect.site, effect.choice)
        alone = next((each for each in self.contexts if (each.site, each.choice) == cell), None)
        return alone is not None and alone.known_alone(effect.estimate or 0.0)


def screen(study: StudyRecord, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Screening:
    """Estimate every main effect of a study, and look where effects do not add up.

    All runs are given, whatever their state, and the recorded epochs by run id, for the runs that were pruned. What the
    runs cannot tell is None.
    """
    cells = cells_of(study)
    seen, fit = _fitted(cells, observe(runs, epochs, study.metric))
    effects = _effects(cells, seen, fit)
    alone, pairs = contexts(cells, seen), interactions(cells, seen)
    rising = rising_curves(seen.complete, epochs, study.metric)
    return Screening(
        effects=effects,
        contexts=alone,
        interactions=pairs,
        host=_host(seen.complete, study.metric),
        residual_sd=fit.residual_sd,
        runs_used=len(seen.complete),
        runs_pruned_used=len(seen.pruned),
        runs_pruned=sum(run.state == RunState.PRUNED for run in runs),
        degrees_of_freedom=fit.degrees_of_freedom,
        best=best_run(seen.complete, study.metric),
        caveats=caveats(
            runs,
            seen,
            effects,
            alone,
            pairs,
            metric=study.metric,
            degrees_of_freedom=fit.degrees_of_freedom,
            rising=rising,
        ),
        metric=study.metric,
        by_chance=_by_chance(cells, seen, effects),
        rising=rising,
    )


def _by_chance(cells: Sequence[Cell], seen: Observed, effects: Sequence[Effect]) -> float | None:
    told = [column for column, effect in enumerate(effects, start=1) if effect.low is not None]
    count = sum(effect.distinguishable for effect in effects)
    design = main_effects(cells, seen.plans)[: len(seen.complete)]
    return probability_of_as_many(design, told, count) if count else None


def _fitted(cells: Sequence[Cell], seen: Observed) -> tuple[Observed, StaircaseFit]:
    """The fit, and what it used: the runs that were pruned only if the complete ones can tell what they missed."""
    fit = fit_staircase(main_effects(cells, seen.plans), seen.outcomes)
    if seen.pruned and not fit.determined:
        return _fitted(cells, seen.without_pruned())
    return seen, fit


def _effects(cells: Sequence[Cell], seen: Observed, fit: StaircaseFit) -> tuple[Effect, ...]:
    design = main_effects(cells, seen.plans)[:, 1:] > 0
    counts = design[: len(seen.complete)].sum(axis=0)
    contrasts = [fit.contrast(unit, holds) for unit, holds in zip(np.eye(1 + len(cells))[1:], design.T, strict=True)]
    return tuple(
        Effect(*cell, found.estimate, found.low, found.high, runs, _reason(found, fit, runs))
        for cell, found, runs in zip(cells, contrasts, counts.tolist(), strict=True)
    )


def _reason(found: Contrast, fit: StaircaseFit, runs: int) -> str:
    if runs == 0:
        return "no complete run has this choice here"
    if found.estimate is None:
        return "the complete runs do not separate this choice from others"
    if found.low is None and fit.degrees_of_freedom == 0:
        return "as many effects as runs: none is left to estimate the spread"
    if found.low is None:
        return "the runs have no spread, so there is no interval"
    return ""


def _host(complete: Sequence[RunRecord], metric: Metric) -> HostSummary:
    values = [metric.scale * run.value for run in complete if run.plan == Plan() and run.value is not None]
    return HostSummary(
        runs=len(values),
        mean=float(np.mean(values)) if values else None,
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
    )
