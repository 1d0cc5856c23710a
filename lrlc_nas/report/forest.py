"""The confirmation as a forest: every claim against the host and against each of its controls.

The estimate of the search stands beside each claim, grey: it is the largest of many, and so too large on average
(the winner's curse). For a claim of one site it is the effect of the screening; for a plan of several it is what the
runs of the plan have beyond the mean of the hosts. What of it is not there on fresh seeds is told as shrinkage.

Reference: Efron, "Tweedie's Formula and Selection Bias", J. American Statistical Association 106 (2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean

from ..choices import Plan
from ..evidence import Comparison
from ..evidence.conclusion import ClaimResult
from .data_table import Table, table
from .reading import Confirmation, Reading


__all__ = ["Forest", "ForestRow", "forest", "forest_table"]


@dataclass(frozen=True)
class ForestRow:
    """One comparison.

    Attributes:
        claim: its label.
        against: ``host``, or the label of a control.
        comparison: claim less the other arm, in points.
        differences: the same seed by seed.
        outcome: the verdict on the claim, or for a control whether it is beaten: ``beaten`` or ``not beaten``, or
            ``not tested`` where the claim does not help.
        adjusted_p: of a claim; None for a control.
        searched: the estimate of the search, in points; None for a control and where there is none.
        searched_low: lower end of its 95 % interval, where there is one.
        searched_high: upper end of it.
    """

    claim: str
    against: str
    comparison: Comparison
    differences: tuple[float, ...]
    outcome: str
    adjusted_p: float | None = None
    searched: float | None = None
    searched_low: float | None = None
    searched_high: float | None = None

    @property
    def shrinkage(self) -> float | None:
        """The estimate of the search less that of the confirmation, in points."""
        if self.searched is None or self.comparison.difference is None:
            return None
        return self.searched - self.comparison.difference


@dataclass(frozen=True)
class Forest:
    """All comparisons of a confirmation.

    Attributes:
        rows: each claim against the host, followed by its controls.
        delta: the smallest effect that matters, in points.
    """

    rows: tuple[ForestRow, ...]
    delta: float


def forest(reading: Reading) -> Forest:
    """Gather the comparisons of the confirmation of a study; none before a stage of it has ended."""
    confirmation = reading.confirmation
    if confirmation is None:
        return Forest((), 0.0)
    rows = [
        row
        for result in confirmation.conclusion.results
        if result.verdict is not None
        for row in _rows(result, reading, confirmation)
    ]
    return Forest(tuple(rows), confirmation.conclusion.rule.delta)


def forest_table(info: Forest) -> Table:
    """One row for each comparison."""
    columns = ("claim", "against", "difference", "low", "high", "confidence", "n", "outcome", "adjusted_p")
    more = ("superiority", "search_estimate", "search_low", "search_high", "shrinkage", "by_seed")
    return table(
        (*columns, *more),
        [
            (
                row.claim,
                row.against,
                row.comparison.difference,
                row.comparison.low,
                row.comparison.high,
                row.comparison.confidence,
                row.comparison.n,
                row.outcome,
                row.adjusted_p,
                row.comparison.superiority,
                row.searched,
                row.searched_low,
                row.searched_high,
                row.shrinkage,
                " ".join(map(repr, row.differences)),
            )
            for row in info.rows
        ],
    )


def _rows(result: ClaimResult, reading: Reading, confirmation: Confirmation) -> Iterator[ForestRow]:
    verdict = result.verdict
    assert verdict is not None
    yield ForestRow(
        result.label,
        "host",
        verdict.comparison,
        _less(result.scores, confirmation.scores(Plan())),
        verdict.outcome,
        verdict.adjusted_p,
        *_search_estimate(result.plan, reading),
    )
    tested = verdict.outcome == "helps"
    for label, comparison in result.against.items():
        beaten = "beaten" if label in verdict.beats else "not beaten" if tested else "not tested"
        scores = confirmation.scores(result.controls[label])
        yield ForestRow(result.label, label, comparison, _less(result.scores, scores), beaten)


def _search_estimate(plan: Plan, reading: Reading) -> tuple[float | None, float | None, float | None]:
    if len(plan.tokens) == 1:
        cell = next(iter(plan.tokens.items()))
        for effect in reading.screening.effects:
            if (effect.site, effect.choice) == cell:
                return effect.estimate, effect.low, effect.high
    values = [
        100 * run.value
        for run in reading.runs
        if run.plan == plan and run.state == "complete" and run.value is not None
    ]
    host = reading.screening.host.mean
    return (mean(values) - host if values and host is not None else None), None, None


def _less(scores: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(one - other for one, other in zip(scores, others, strict=False))
