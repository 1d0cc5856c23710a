"""What a confirmation concludes, from its runs alone.

A stage counts once all its runs have ended: the verdicts then are one look (`sequential`), at the seeds of all
stages so far. While a stage runs, the verdicts are those of the look before.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..choices import Plan
from ..config import ClaimSection, ConfirmationSection
from ..store import RunRecord, StudyRecord
from .comparison import Comparison
from .decisions import Rule
from .judging import against_controls, judge
from .lost_runs import LostRuns, count_lost_runs, has_score, with_doubt
from .verdicts import Arm, Cost, Verdict

__all__ = ["ClaimResult", "Conclusion", "conclude"]


@dataclass(frozen=True)
class ClaimResult:
    """What became of one claim.

    Attributes:
        verdict: None while no stage has ended, or if no pair of its runs is complete; then `reason` says why.
        scores: seed to the gain on the confirm split, of the completed runs of the claim.
        controls: label to the plan of each control.
        against: label to the comparison of the claim with that control, at the level of the last look.
        differences: ``host`` or the label of a control to the differences from it, with the seeds that both completed.
    """

    label: str
    plan: Plan
    verdict: Verdict | None
    scores: Mapping[int, float]
    controls: Mapping[str, Plan]
    against: Mapping[str, Comparison]
    differences: Mapping[str, tuple[float, ...]]
    reason: str = ""


@dataclass(frozen=True)
class Conclusion:
    """What a confirmation concludes.

    Attributes:
        of: the study that made the claims.
        looks: how many stages have ended.
        seeds: those that the verdicts rest on, in their order: with which the host and a claim were completed.
        planned: how many seeds there will be in all.
        open_runs: how many runs have still to end.
        arms: how many plans are compared.
        rule: what was settled before the first look.
        host: seed to the gain of the untouched host.
        notes: what had to be decided about controls, or left out.
    """

    of: str
    looks: int
    seeds: tuple[int, ...]
    planned: int
    open_runs: int
    arms: int
    rule: Rule
    host: Mapping[int, float]
    results: tuple[ClaimResult, ...]
    notes: tuple[str, ...]

    @property
    def confirmed(self) -> tuple[ClaimResult, ...]:
        """The claims that help."""
        return tuple(result for result in self.results if result.verdict and result.verdict.outcome == "helps")


def conclude(
    study: StudyRecord, runs: Sequence[RunRecord], items: Mapping[int, NDArray[np.float64]] | None = None
) -> Conclusion:
    """Judge the claims of a confirmation by all of its runs, whatever their state.

    A comparison counts the seeds with which both of its arms were completed, whatever became of other arms. With
    `lost_runs` a claim that lost more of them than the host is not judged in its favour.

    Args:
        study: a confirmation.
        runs: all of its runs.
        items: run id to the scores of its samples, as `Store.items` gives them; intervals count the samples then.

    Raises:
        InputError: if the study is not a confirmation.
    """
    section, metric = study.config.confirmed, study.metric
    ended = _ended_stages(runs)
    seen = [run for run in runs if run.stage in ended]
    scored = _Scored(
        sorted({run.repeat for run in seen}),
        {run.plan: {} for run in seen if run.plan is not None},
        count_lost_runs(section.arms, seen),
        {run.run_id: metric.sign * metric.scale * items[run.run_id] for run in seen if items and run.run_id in items},
    )
    for run in seen:
        if has_score(run) and run.plan is not None:
            scored.runs[run.plan][run.repeat] = (run.run_id, metric.gain(float(run.value or 0.0)))
    dead = [plan for plan in section.arms if ended and not scored.runs.get(plan)]
    if not section.together:
        scored = scored.whole_pairs([plan for plan in section.arms if plan not in dead])
    judged = scored.judged(section)
    sizes = _sizes(runs, ended, scored, judged)
    rule = Rule(section.family, section.smallest_effect, metric=metric, together=section.together)
    results = _judged(section, scored, sizes, rule, _why_not(ended, dead, sizes), _cost(runs, section))
    seeds = {run.repeat: run.seed for run in runs}
    return Conclusion(
        of=section.of,
        looks=len(sizes),
        seeds=tuple(seeds[pair] for pair in judged),
        planned=len(seeds),
        open_runs=sum(run.finished is None for run in runs),
        arms=len(section.arms),
        rule=rule,
        host=_by_seed(scored, Plan(), seeds),
        results=tuple(replace(each, scores=_by_seed(scored, each.plan, seeds)) for each in results),
        notes=(
            *section.notes,
            *(f"{_named(plan)} has no completed run, and is left out" for plan in dead),
            *(f"{_named(plan)}: {lost.text}" for plan, lost in scored.lost.items() if lost.count and plan not in dead),
        ),
    )


@dataclass(frozen=True)
class _Scored:
    """The pairs of the stages that have ended, what each plan scored with them, what it lost, and items by run id."""

    pairs: Sequence[int]
    runs: dict[Plan, dict[int, tuple[int, float]]]
    lost: Mapping[Plan, LostRuns]
    items: Mapping[int, NDArray[np.float64]]

    def arm(self, name: str, plan: Plan, **more: Any) -> Arm:
        """The plan as an arm, with NaN where it has no score."""
        found = self.runs.get(plan, {})
        scores = tuple(found[pair][1] if pair in found else nan for pair in self.pairs)
        items = tuple(self.items.get(found[pair][0]) if pair in found else None for pair in self.pairs)
        return Arm(name, scores, items=items if self.items else (), **more)

    def shared(self, plan: Plan, other: Plan) -> list[int]:
        """The pairs of which both plans have a score."""
        return [pair for pair in self.pairs if pair in self.runs.get(plan, {}) and pair in self.runs.get(other, {})]

    def whole_pairs(self, arms: Sequence[Plan]) -> _Scored:
        """Only the pairs of which every arm has a score: how older confirmations are judged."""
        whole = [pair for pair in self.pairs if all(pair in self.runs.get(plan, {}) for plan in arms)]
        kept = {plan: {pair: found[pair] for pair in whole if pair in found} for plan, found in self.runs.items()}
        return replace(self, pairs=whole, runs=kept)

    def judged(self, section: ConfirmationSection) -> list[int]:
        """The pairs of which the host and any claim have a score."""
        plans = [Plan.of(claim.plan) for claim in section.claims]
        return sorted({pair for plan in plans for pair in self.shared(plan, Plan())})

    def why_not_compared(self, plan: Plan, control: Plan) -> str:
        """Why a claim cannot be compared with a control; empty if it can."""
        lost = self.lost[control]
        return lost.text if len(self.shared(plan, control)) < max(2, lost.runs / 2) and lost.count else ""


def _by_seed(scored: _Scored, plan: Plan, seeds: Mapping[int, int]) -> dict[int, float]:
    return {seeds[pair]: score for pair, (_, score) in sorted(scored.runs.get(plan, {}).items())}


def _ended_stages(runs: Sequence[RunRecord]) -> list[int]:
    stages = sorted({run.stage for run in runs})
    open_ = {run.stage for run in runs if run.finished is None}
    return [stage for stage in stages if not any(other <= stage for other in open_)]


def _sizes(runs: Sequence[RunRecord], ended: Sequence[int], scored: _Scored, judged: Sequence[int]) -> list[int]:
    """How many pairs there were at each look; a stage that gave nothing to judge was none."""
    stages = {run.repeat: run.stage for run in runs}
    found = [sum(stages[pair] <= stage for pair in judged) for stage in ended]
    grown = [stage for stage, now, before in zip(ended, found, [0, *found], strict=False) if now > before]
    return [sum(stages[pair] <= stage for pair in scored.pairs) for stage in grown]


def _judged(
    section: ConfirmationSection, scored: _Scored, sizes: Sequence[int], rule: Rule, reason: str, cost: Cost | None
) -> tuple[ClaimResult, ...]:
    if reason:
        return tuple(_undecidable(claim, reason) for claim in section.claims)
    alive = [claim for claim in section.claims if scored.shared(Plan.of(claim.plan), Plan())]
    host = scored.arm("host", Plan())
    arms = [_arm(claim, scored) for claim in alive]
    verdicts = judge(host, arms, rule, sizes=sizes, cost=cost)
    results = {
        claim.label: _result(claim, arm, verdict, scored, rule, sizes)
        for claim, arm, verdict in zip(alive, arms, verdicts, strict=True)
    }
    return tuple(
        results.get(claim.label) or _undecidable(claim, "no run of it was completed") for claim in section.claims
    )


def _arm(claim: ClaimSection, scored: _Scored) -> Arm:
    plan, controls = Plan.of(claim.plan), _controls(claim)
    reasons = {label: scored.why_not_compared(plan, control) for label, control in controls.items()}
    compared = tuple(scored.arm(label, control) for label, control in controls.items() if not reasons[label])
    left_out = {label: reason for label, reason in reasons.items() if reason}
    return scored.arm(claim.label, plan, controls=compared, not_compared=left_out)


def _result(
    claim: ClaimSection, arm: Arm, verdict: Verdict, scored: _Scored, rule: Rule, sizes: Sequence[int]
) -> ClaimResult:
    plan, controls = Plan.of(claim.plan), _controls(claim)
    verdict = with_doubt(verdict, scored.lost[plan], scored.lost[Plan()], revoked=not rule.together)
    against, _ = against_controls(arm, rule, sizes)
    others = {"host": Plan()} | {label: controls[label] for label in against}
    differences = {
        label: tuple(scored.runs[plan][pair][1] - scored.runs[other][pair][1] for pair in scored.shared(plan, other))
        for label, other in others.items()
    }
    return ClaimResult(claim.label, plan, verdict, {}, controls, against, differences)


def _why_not(ended: Sequence[int], dead: Sequence[Plan], sizes: Sequence[int]) -> str:
    """Why no claim can be judged; empty if they can."""
    if Plan() in dead:
        return "no run of the host was completed"
    if sizes:
        return ""
    return "no seed completed in the host and a claim" if ended else "no stage has ended yet"


def _undecidable(claim: ClaimSection, reason: str) -> ClaimResult:
    return ClaimResult(claim.label, Plan.of(claim.plan), None, {}, _controls(claim), {}, {}, reason)


def _controls(claim: ClaimSection) -> dict[str, Plan]:
    """Label to plan; the label tells the tokens where they are not the label itself."""
    plans = {}
    for label, at_sites in claim.controls.items():
        tokens = sorted(set(at_sites.values()))
        plans[tokens[0] if len(tokens) == 1 else f"{label} ({', '.join(tokens)})"] = Plan.of(at_sites)
    return plans


def _cost(runs: Sequence[RunRecord], section: ConfirmationSection) -> Cost | None:
    seconds = [(run.finished - run.started).total_seconds() for run in runs if run.finished and run.started]
    return Cost(statistics.median(seconds), len(section.arms)) if seconds else None


def _named(plan: Plan) -> str:
    return "the host" if plan == Plan() else str(plan)
