"""What a confirmation concludes, from its runs alone.

A stage counts once all its runs have ended: the verdicts then are one look (`sequential`), at the seeds of all
stages so far. While a stage runs, the verdicts are those of the look before.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..choices import Plan
from ..config import ClaimSection, ConfirmationSection, Metric
from ..store import RunRecord, StudyRecord
from .comparison import Comparison, compare
from .decisions import Rule
from .judging import judge
from .lost_runs import LostRuns, count_lost_runs, has_score, without_favour
from .sequential import alpha_of_look
from .verdicts import Arm, Cost, Verdict

__all__ = ["ClaimResult", "Conclusion", "conclude"]


@dataclass(frozen=True)
class ClaimResult:
    """What became of one claim.

    Attributes:
        verdict: None while no stage has ended, or if no pair of its runs is complete; then `reason` says why.
        scores: gains on the confirm split, seed by seed.
        controls: label to the plan of each control.
        against: label to the comparison of the claim with that control, at the level of the last look.
    """

    label: str
    plan: Plan
    verdict: Verdict | None
    scores: tuple[float, ...]
    controls: Mapping[str, Plan]
    against: Mapping[str, Comparison]
    reason: str = ""


@dataclass(frozen=True)
class Conclusion:
    """What a confirmation concludes.

    Attributes:
        of: the study that made the claims.
        looks: how many stages have ended.
        seeds: the seeds of the pairs that the verdicts rest on, in their order.
        planned: how many seeds there will be in all.
        open_runs: how many runs have still to end.
        arms: how many plans are compared.
        rule: what was settled before the first look.
        host: scores of the untouched host, likewise.
        notes: what had to be decided about controls, or left out.
    """

    of: str
    looks: int
    seeds: tuple[int, ...]
    planned: int
    open_runs: int
    arms: int
    rule: Rule
    host: tuple[float, ...]
    results: tuple[ClaimResult, ...]
    notes: tuple[str, ...]

    @property
    def confirmed(self) -> tuple[ClaimResult, ...]:
        """The claims that help."""
        return tuple(result for result in self.results if result.verdict and result.verdict.outcome == "helps")


def conclude(study: StudyRecord, runs: Sequence[RunRecord]) -> Conclusion:
    """Judge the claims of a confirmation by all of its runs, whatever their state.

    A pair counts only if every arm of it was completed, so that all arms are compared on the same seeds. An arm
    without a completed run is left out, and the notes say so. They also count the lost runs of an arm with some, and
    with `lost_runs` a claim that lost more of them than the host is never judged in its favour.

    Raises:
        InputError: if the study is not a confirmation.
    """
    section = study.config.confirmed
    ended = _ended_stages(runs)
    seen = [run for run in runs if run.stage in ended]
    table, lost = _scores(seen, study.metric), count_lost_runs(section.arms, seen)
    dead = [plan for plan in section.arms if ended and not table.get(plan)]
    alive = [plan for plan in section.arms if plan not in dead]
    usable = bool(ended) and Plan() in alive
    pairs = sorted(set.intersection(*(set(table[plan]) for plan in alive))) if usable else []
    sizes = _sizes(runs, ended, pairs)
    rule = Rule(family=section.family, delta=section.smallest_effect, metric=study.metric)
    scored = _Scored(table, pairs, dead, lost)
    judged = _judged(section, scored, sizes, rule, _why_not(ended, dead, sizes), _cost(runs, section))
    seeds = {run.repeat: run.seed for run in runs}
    return Conclusion(
        of=section.of,
        looks=len(sizes),
        seeds=tuple(seeds[pair] for pair in pairs),
        planned=len(seeds),
        open_runs=sum(run.finished is None for run in runs),
        arms=len(section.arms),
        rule=rule,
        host=scored.row(Plan()),
        results=judged,
        notes=(
            *section.notes,
            *(f"{_named(plan)} has no completed run, and is left out" for plan in dead),
            *(
                f"{_named(plan)}: {those.text}; with their seeds no arm is judged"
                for plan, those in lost.items()
                if those.count and plan in alive
            ),
        ),
    )


@dataclass(frozen=True)
class _Scored:
    """What the arms scored with each pair that counts, which have no score at all, and the runs that each lost."""

    table: Mapping[Plan, Mapping[int, float]]
    pairs: Sequence[int]
    dead: Sequence[Plan]
    lost: Mapping[Plan, LostRuns]

    def row(self, plan: Plan) -> tuple[float, ...]:
        return tuple(self.table[plan][pair] for pair in self.pairs) if self.pairs else ()

    def controls(self, claim: ClaimSection) -> dict[str, Plan]:
        return {label: plan for label, plan in _controls(claim).items() if plan not in self.dead}


def _ended_stages(runs: Sequence[RunRecord]) -> list[int]:
    stages = sorted({run.stage for run in runs})
    open_ = {run.stage for run in runs if run.finished is None}
    return [stage for stage in stages if not any(other <= stage for other in open_)]


def _scores(runs: Sequence[RunRecord], metric: Metric) -> dict[Plan, dict[int, float]]:
    """Plan to {pair: value as a gain}, of the completed runs."""
    table: dict[Plan, dict[int, float]] = {}
    for run in runs:
        if has_score(run) and run.value is not None and run.plan is not None:
            table.setdefault(run.plan, {})[run.repeat] = metric.gain(run.value)
    return table


def _sizes(runs: Sequence[RunRecord], ended: Sequence[int], pairs: Sequence[int]) -> list[int]:
    """How many pairs there were at each look; a stage without a whole pair was none."""
    stages = {run.repeat: run.stage for run in runs}
    sizes = [sum(stages[pair] <= stage for pair in pairs) for stage in ended]
    return [size for size, before in zip(sizes, [0, *sizes], strict=False) if size > before]


def _judged(
    section: ConfirmationSection, scored: _Scored, sizes: Sequence[int], rule: Rule, reason: str, cost: Cost | None
) -> tuple[ClaimResult, ...]:
    if reason:
        return tuple(_undecidable(claim, reason) for claim in section.claims)
    alive = [claim for claim in section.claims if Plan.of(claim.plan) not in scored.dead]
    arms = [_arm(claim, scored) for claim in alive]
    verdicts = judge(scored.row(Plan()), arms, rule, sizes=sizes, cost=cost)
    level = 1 - alpha_of_look(len(sizes), rule.alpha)
    results = {
        claim.label: _result(claim, verdict, scored, level) for claim, verdict in zip(alive, verdicts, strict=True)
    }
    return tuple(
        results.get(claim.label) or _undecidable(claim, "no run of it was completed") for claim in section.claims
    )


def _arm(claim: ClaimSection, scored: _Scored) -> Arm:
    controls = tuple(Arm(label, scored.row(plan)) for label, plan in scored.controls(claim).items())
    return Arm(claim.label, scored.row(Plan.of(claim.plan)), controls)


def _result(claim: ClaimSection, verdict: Verdict, scored: _Scored, level: float) -> ClaimResult:
    plan, controls = Plan.of(claim.plan), scored.controls(claim)
    verdict = without_favour(verdict, scored.lost[plan], scored.lost[Plan()])
    scores = scored.row(plan)
    against = {label: compare(scores, scored.row(each), confidence=level) for label, each in controls.items()}
    return ClaimResult(claim.label, plan, verdict, scores, controls, against)


def _why_not(ended: Sequence[int], dead: Sequence[Plan], sizes: Sequence[int]) -> str:
    """Why no claim can be judged; empty if they can."""
    if Plan() in dead:
        return "no run of the host was completed"
    if sizes:
        return ""
    return "no seed completed in every arm" if ended else "no stage has ended yet"


def _undecidable(claim: ClaimSection, reason: str) -> ClaimResult:
    return ClaimResult(claim.label, Plan.of(claim.plan), None, (), _controls(claim), {}, reason)


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
