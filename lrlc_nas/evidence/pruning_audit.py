"""The audit of pruning: what the pruning rule would have cost, by choice.

A share of the sampled runs, drawn by chance, goes on after the verdict that ends the others (`search.audit`). What
became of them is told with two numbers: how often a run that would have been pruned ended among the best quarter
of the complete runs, and Kendall's τ between the values at the first rung and at the end, over the runs that
nothing could have pruned (the balanced block and the audited runs). A choice that learns late has a low τ.

Reference: Kendall, "A New Measure of Rank Correlation", Biometrika 30 (1938).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..facts import Role
from ..runs.results import EpochResult
from ..search.pruning import AUDIT
from ..store import RunRecord, StudyRecord
from .design_matrix import observe

__all__ = ["Audit", "AuditRow", "audit"]

_BEST_QUARTER = 0.75
_FEWEST = 4


@dataclass(frozen=True)
class AuditRow:
    """The audit of one choice, wherever it stands.

    Attributes:
        choice: token of the choice; empty for the row of all runs.
        audited: complete audited runs that hold it.
        would_end: those of them that would have been pruned.
        wrongly: those of these that ended in the best quarter of all complete runs.
        never_pruned: complete runs that hold it and that nothing could have pruned.
        rank_correlation: Kendall's τ over these between first rung and end; None where it cannot be told.
    """

    choice: str
    audited: int
    would_end: int
    wrongly: int
    never_pruned: int
    rank_correlation: float | None


@dataclass(frozen=True)
class Audit:
    """What pruning would have cost.

    Attributes:
        rows: one for all runs, then one for each choice except ``conv``; none where nothing is ever pruned.
        rung: after how many epochs the first verdict comes; None where nothing is ever pruned.
    """

    rows: tuple[AuditRow, ...]
    rung: int | None
    sentence: str


def audit(study: StudyRecord, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Audit:
    """Audit the pruning of a study by all of its runs, whatever their state, and, by run id, their epochs."""
    rung = _first_rung(study)
    if rung is None:
        return Audit((), None, "No run of this study is ever pruned.")
    gain = study.metric.gain
    complete = observe(runs, epochs, study.metric).complete
    ends = {run.run_id: gain(run.value) for run in complete if run.value is not None}
    best = float(np.quantile(list(ends.values()), _BEST_QUARTER)) if complete else 0.0
    never_pruned = [run for run in complete if run.role != Role.SAMPLED or AUDIT in run.facts]
    early = {run_id: gain(recorded[rung - 1].value) for run_id, recorded in epochs.items() if len(recorded) >= rung}
    tokens = dict.fromkeys(token for choices in study.space.values() for token in choices if token != "conv")
    rows = tuple(_row(token, never_pruned, best, early, ends) for token in ("", *tokens))
    return Audit(rows, rung, _sentence(rows[0], rung))


def _first_rung(study: StudyRecord) -> int | None:
    search = study.config.search
    # With a rung at the end or after it nothing is left to be saved.
    early = study.epochs is None or search.min_epochs < study.epochs
    return search.min_epochs if search.pruner != "none" and early else None


def _row(
    token: str, never_pruned: Sequence[RunRecord], best: float, early: Mapping[int, float], ends: Mapping[int, float]
) -> AuditRow:
    runs = [run for run in never_pruned if not token or (run.plan and token in run.plan.tokens.values())]
    would_end = [run for run in runs if run.facts.get(AUDIT)]
    return AuditRow(
        choice=token,
        audited=sum(AUDIT in run.facts for run in runs),
        would_end=len(would_end),
        wrongly=sum(ends[run.run_id] >= best for run in would_end),
        never_pruned=len(runs),
        rank_correlation=_rank_correlation(
            [(early[run.run_id], ends[run.run_id]) for run in runs if run.run_id in early]
        ),
    )


def _rank_correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    if len(pairs) < _FEWEST or any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        return None
    from scipy import stats  # slow to import, so only where it is needed

    return float(stats.kendalltau(*zip(*pairs, strict=True)).statistic)


def _sentence(total: AuditRow, rung: int) -> str:
    if not total.audited:
        return "No audited run is complete yet, so the cost of pruning is not known."
    text = (
        f"{total.audited} sampled run{'s' if total.audited > 1 else ''} went on for the audit, of which "
        f"{total.would_end} would have been pruned; of these, {total.wrongly} ended in the best quarter."
    )
    if total.rank_correlation is not None:
        text += (
            " Over the runs that are never pruned, Kendall's τ between the values after "
            f"epoch {rung} and at the end is {total.rank_correlation:+.2f}."
        )
    return text
