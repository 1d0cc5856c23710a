"""Does a confirmed gain last under other circumstances?

Under each circumstance host, claim and best control are trained again on fresh seeds and judged as a confirmation is,
at one look. A claim then

    holds       its interval lies above zero
    reversed    its interval lies below zero
    gone        it is equivalent to the host, or its interval lies below half of the gain that was confirmed
    open        otherwise

and altogether it is *reversed* if it is so anywhere, holds *at this recipe only* if it is gone anywhere, *lasts* if it
holds everywhere, and is *undecided* otherwise. That it lasts is said only if all tests agree, which needs no correction
(an intersection-union test: Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24
(1982)).

Where a circumstance has variants, as the learning rate of an arm, each arm counts with the variant whose mean on the
search split is best for it, and is scored on the confirm split: a layer that only wants another rate is told from one
that gains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from ..choices import Plan
from ..facts import SEARCH_VALUE
from ..runs.results import EpochResult
from ..store import RunRecord, StudyRecord
from .comparison import Comparison
from .conclusion import ClaimResult, Conclusion, conclude
from .sequential import alpha_of_look
from .t_power import seeds_to_see
from .verdicts import Verdict

__all__ = ["ChallengeResult", "ChallengeRow", "Trained", "challenged", "judge_challenges", "seeds_for_challenge"]

_FEWEST, _MOST = 3, 10
_LEFT = 0.5
"""The share of the confirmed gain below which it is called gone."""


@dataclass(frozen=True)
class Trained:
    """One variant of a circumstance as it stands: its study, its runs, their epochs and items by run id."""

    study: StudyRecord
    runs: Sequence[RunRecord]
    epochs: Mapping[int, Sequence[EpochResult]]
    items: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True)
class ChallengeRow:
    """A claim under one circumstance.

    Attributes:
        circumstance: its name.
        text: what was different, in words.
        finding: ``holds``, ``gone``, ``reversed`` or ``open``.
        comparison: with the host; None before its runs have ended, or where no pair of them is complete.
        control: the label of the best control, and the claim less it; None where there is none.
        variants: label of an arm to the variant that it counts with; empty without variants.
        epochs_to_host: the mean epochs, from 1, after which the claim and the host reach the host's final score;
            None for the claim if it never does.
        reason: why it is open, where no comparison says so.
    """

    circumstance: str
    text: str
    finding: str
    comparison: Comparison | None = None
    control: tuple[str, Comparison] | None = None
    variants: Mapping[str, str] | None = None
    epochs_to_host: tuple[float | None, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class ChallengeResult:
    """What became of a claim: its label and its rows, none before it was challenged."""

    label: str
    rows: tuple[ChallengeRow, ...]

    @property
    def outcome(self) -> str:
        """``lasts``, ``at this recipe only``, ``reversed``, ``undecided``, or ``not challenged``."""
        findings = {row.finding for row in self.rows}
        if not findings:
            return "not challenged"
        if "reversed" in findings:
            return "reversed"
        if "gone" in findings:
            return "at this recipe only"
        return "lasts" if findings == {"holds"} else "undecided"

    @property
    def text(self) -> str:
        """The outcome in a clause."""
        if not self.rows:
            return "not challenged yet"
        named = {"reversed": "reversed", "at this recipe only": "gone"}.get(self.outcome)
        rows = [row for row in self.rows if named in (None, row.finding)]
        return f"challenged: {self.outcome} ({'; '.join(f'{row.text}: {row.finding}' for row in rows)})"


def challenged(conclusion: Conclusion, results: Sequence[ChallengeResult]) -> Conclusion:
    """A conclusion whose verdicts tell what the challenges have shown."""
    texts = {result.label: result.text for result in results if result.rows}

    def told(result: ClaimResult) -> ClaimResult:
        if result.verdict is None or result.label not in texts:
            return result
        return replace(result, verdict=replace(result.verdict, challenge=texts[result.label]))

    return replace(conclusion, results=tuple(map(told, conclusion.results)))


def seeds_for_challenge(conclusion: Conclusion) -> int:
    """The seeds with which four of five challenges tell a whole gain from half of it, for the claim that needs most."""
    found = [each.verdict.comparison for each in conclusion.confirmed if each.verdict is not None]
    alpha = alpha_of_look(1, conclusion.rule.alpha) / max(1, len(found))
    needed = [_seeds(comparison, alpha) for comparison in found]
    return min(_MOST, max([_FEWEST, *needed]))


def judge_challenges(conclusion: Conclusion, trained: Sequence[Trained]) -> tuple[ChallengeResult, ...]:
    """Judge each confirmed claim under each circumstance that was trained.

    Args:
        conclusion: of the confirmation.
        trained: all variants of all circumstances, in their order.
    """
    groups: dict[str, list[Trained]] = {}
    for each in trained:
        groups.setdefault(each.study.config.confirmed.circumstance, []).append(each)
    rows: dict[str, list[ChallengeRow]] = {result.label: [] for result in conclusion.confirmed}
    gains = {result.label: _gain(result.verdict) for result in conclusion.confirmed}
    for name, variants in groups.items():
        for label, row in _rows(name, variants, gains):
            if label in rows:
                rows[label].append(row)
    return tuple(ChallengeResult(label, tuple(found)) for label, found in rows.items())


def _rows(name: str, variants: Sequence[Trained], gains: Mapping[str, float]) -> Iterator[tuple[str, ChallengeRow]]:
    first = variants[0].study
    text = str(first.facts.get("circumstance", name))
    text = text.removesuffix(f": {first.config.confirmed.variant}")
    open_ = sum(run.finished is None for each in variants for run in each.runs)
    runs, chosen = _chosen_runs(variants)
    items = {run: values for each in variants for run, values in each.items.items()}
    found = {} if open_ else {each.label: each for each in conclude(first, runs, items).results}
    for claim in first.config.confirmed.claims:
        result = found.get(claim.label)
        if result is None or result.verdict is None:
            reason = f"{open_} runs to go" if open_ else result.reason if result else ""
            yield claim.label, ChallengeRow(name, text, "open", reason=reason)
            continue
        epochs = {run: values for each in variants for run, values in each.epochs.items()}
        yield (
            claim.label,
            ChallengeRow(
                name,
                text,
                _finding(result.verdict, gains.get(claim.label, 0.0)),
                result.verdict.comparison,
                next(iter(result.against.items()), None),
                {"host": chosen[Plan()], claim.label: chosen[result.plan]} if len(variants) > 1 else None,
                _epochs_to_host(first, runs, epochs, result.plan),
            ),
        )


def _finding(verdict: Verdict, gain: float) -> str:
    if verdict.outcome == "helps":
        return "holds"
    if verdict.outcome == "hurts":
        return "reversed"
    high = verdict.comparison.high
    gone = verdict.outcome == "equivalent" or (high is not None and high < _LEFT * gain)
    return "gone" if gone and not verdict.doubt else "open"


def _chosen_runs(variants: Sequence[Trained]) -> tuple[list[RunRecord], dict[Plan, str]]:
    """The runs of the variant that is best for each plan on the search split, and its name."""
    gain = variants[0].study.metric.gain
    chosen: dict[Plan, tuple[float, int]] = {}
    for index, each in enumerate(variants):
        values: dict[Plan, list[float]] = {}
        for run in each.runs:
            if run.plan is not None and SEARCH_VALUE in run.facts:
                values.setdefault(run.plan, []).append(gain(float(run.facts[SEARCH_VALUE])))
        for plan in each.study.config.confirmed.arms:
            value = mean(values[plan]) if plan in values else float("-inf")
            if plan not in chosen or value > chosen[plan][0]:
                chosen[plan] = (value, index)
    runs = [run for index, each in enumerate(variants) for run in each.runs if _index(run, chosen) == index]
    names = {plan: variants[index].study.config.confirmed.variant for plan, (_, index) in chosen.items()}
    return runs, names


def _index(run: RunRecord, chosen: Mapping[Plan, tuple[float, int]]) -> int | None:
    return None if run.plan is None or run.plan not in chosen else chosen[run.plan][1]


def _epochs_to_host(
    study: StudyRecord, runs: Iterable[RunRecord], epochs: Mapping[int, Sequence[EpochResult]], plan: Plan
) -> tuple[float | None, float] | None:
    """By the mean curves of claim and host, how long each takes to the host's final score."""
    gain = study.metric.gain
    curves: dict[Plan, list[list[float]]] = {Plan(): [], plan: []}
    for run in runs:
        if run.plan in curves and run.state == "complete" and epochs.get(run.run_id):
            curves[run.plan].append([gain(each.value) for each in epochs[run.run_id]])
    if not all(curves.values()):
        return None
    host, claim = (list(map(mean, zip(*curves[each], strict=False))) for each in (Plan(), plan))
    by_claim, by_host = (_reached(curve, host[-1]) for curve in (claim, host))
    return None if by_host is None else (by_claim, by_host)


def _reached(curve: Sequence[float], score: float) -> float | None:
    return next((float(at) for at, value in enumerate(curve, 1) if value >= score), None)


def _gain(verdict: Verdict | None) -> float:
    return (verdict.comparison.difference or 0.0) if verdict else 0.0


def _seeds(comparison: Comparison, alpha: float) -> int:
    if not comparison.sd_of_difference or not comparison.difference:
        return _FEWEST
    half = abs(comparison.difference) * _LEFT
    of_samples = comparison.variance_of_samples
    return seeds_to_see(half, comparison.sd_of_difference, alpha, variance_of_samples=of_samples) or _MOST
