"""What the evidence of a study says, as plain JSON values: all numbers and outcomes, no sentence.

It reads what `lrlc_nas.report.read_study` returns, and what older code had in its place. The keys are those of the
files in `databases`; where an attribute of the package is renamed, this is the place to follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["audit_numbers", "conclusion_numbers", "numbers", "screening_numbers"]

_EFFECT = ("site", "choice", "estimate", "low", "high", "runs")
_CONTEXT = (
    "site",
    "choice",
    "alone",
    "in_company",
    "difference",
    "low",
    "high",
    "p_value",
    "adjusted",
    "runs_alone",
    "runs_in_company",
)
_PAIR = ("first", "second", "estimate", "low", "high", "p_value", "adjusted", "runs")
_HOST = ("runs", "mean", "sd")
_SCREENING = ("residual_sd", "runs_used", "runs_pruned_used", "runs_pruned", "degrees_of_freedom")
_AUDIT = ("choice", "audited", "would_end", "wrongly", "never_pruned", "rank_correlation")
_COMPARISON = (
    "n",
    "confidence",
    "difference",
    "low",
    "high",
    "p",
    "sd_of_difference",
    "correlation",
    "pairing_gain",
    "superiority",
    "superiority_low",
    "superiority_high",
)
_VERDICT = ("outcome", "delta", "adjusted_p", "alpha", "look", "seeds_at_look", "looks", "differs")


def numbers(reading: Any) -> dict[str, Any]:
    """All that a reading of a study says."""
    found = {
        "screening": screening_numbers(reading.screening),
        "audit": audit_numbers(reading.audit),
        "importances": dict(reading.importances),
    }
    if reading.confirmation is not None:
        found["confirmation"] = conclusion_numbers(reading.confirmation.conclusion)
        found["confirmation"]["test"] = [look.results for look in reading.confirmation.openings]
    return found


def screening_numbers(screening: Any) -> dict[str, Any]:
    """Effects, the host, and where effects do not add up; older screenings have less."""
    found = _fields(screening, _SCREENING)
    found["effects"] = _rows(screening.effects, _EFFECT)
    found["host"] = _fields(screening.host, _HOST)
    found["best"] = None if screening.best is None else screening.best.number
    if hasattr(screening, "contexts"):
        found["contexts"] = _rows(screening.contexts, _CONTEXT)
        found["interactions"] = _rows(screening.interactions, _PAIR)
    return found


def audit_numbers(audit: Any) -> dict[str, Any]:
    """What pruning would have cost."""
    return {"rung": audit.rung, "rows": _rows(audit.rows, _AUDIT)}


def conclusion_numbers(conclusion: Any) -> dict[str, Any]:
    """Every claim with its verdict and its controls."""
    found = _fields(conclusion, ("looks", "planned", "open_runs", "arms"))
    found["seeds"] = list(conclusion.seeds)
    found["family"] = conclusion.rule.family
    found["smallest_effect"] = conclusion.rule.delta
    found["host"] = _scores(conclusion.host)
    found["claims"] = {result.label: _claim(result) for result in conclusion.results}
    return found


def _claim(result: Any) -> dict[str, Any]:
    return {
        "plan": dict(result.plan.tokens),
        "scores": _scores(result.scores),
        "verdict": None if result.verdict is None else _verdict(result.verdict),
        "controls": {label: dict(plan.tokens) for label, plan in result.controls.items()},
        "against": {label: _fields(found, _COMPARISON) for label, found in result.against.items()},
    }


def _scores(scores: Any) -> list[float]:
    """In the order of the seeds; older code gave no seeds."""
    return list(scores.values() if isinstance(scores, Mapping) else scores)


def _verdict(verdict: Any) -> dict[str, Any]:
    found = _fields(verdict, _VERDICT)
    found["comparison"] = _fields(verdict.comparison, _COMPARISON)
    for name in ("simultaneous", "equivalence"):
        interval = getattr(verdict, name)
        found[name] = None if interval is None else list(interval)
    found["beats"], found["not_beaten"] = list(verdict.beats), list(verdict.not_beaten)
    found["doubted"] = bool(getattr(verdict, "doubt", ""))
    found["more_seeds"] = None if verdict.more is None else verdict.more.seeds
    return found


def _rows(records: Iterable[Any], names: Iterable[str]) -> list[dict[str, Any]]:
    return [_fields(record, names) for record in records]


def _fields(record: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in names if hasattr(record, name)}


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
