"""Runs of a confirmation that were not completed, and what they do to the verdicts.

Such a run is not missing by chance: a plan that diverges with some seeds would be judged on the seeds that suit it.
So a claim that has lost more runs than the host is never said to help, nor to be equivalent: it is undecided, with
that as the reason, whatever the runs that are left say. More seeds would not settle it. That it hurts may be said
all the same, as the lost runs would not have spoken for it. What a look had decided before the runs were lost stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..choices import Plan
from ..facts import EndCause, RunState
from ..store import RunRecord
from .verdicts import Verdict

__all__ = ["LostRuns", "count_lost_runs", "has_score", "with_doubt"]

_TOLD: dict[EndCause | None, str] = {EndCause.DIVERGED: "diverged"}
_TOLD |= dict.fromkeys((EndCause.INFEASIBLE, EndCause.OUT_OF_MEMORY), "infeasible")
"""Ends that are told apart; of the others the state is told."""


@dataclass(frozen=True)
class LostRuns:
    """The runs of one arm that were not completed: of how many, and how they ended, to how many did."""

    runs: int
    ends: Mapping[str, int]

    @property
    def count(self) -> int:
        """How many were lost."""
        return sum(self.ends.values())

    @property
    def text(self) -> str:
        """How many, and how: a part of a sentence."""
        ends = ", ".join(f"{number} {end}" for end, number in self.ends.items())
        return f"{self.count} of {self.runs} runs did not complete ({ends})"


def has_score(run: RunRecord) -> bool:
    """Whether a run has a score."""
    return run.state == RunState.COMPLETE and run.value is not None


def count_lost_runs(arms: Iterable[Plan], runs: Iterable[RunRecord]) -> dict[Plan, LostRuns]:
    """Count the lost runs of each arm, among those of the stages that have ended."""
    by_plan: dict[Plan, list[RunRecord]] = {plan: [] for plan in arms}
    for run in runs:
        if run.plan in by_plan:
            by_plan[run.plan].append(run)
    return {
        plan: LostRuns(len(own), Counter(_TOLD.get(run.cause, run.state.value) for run in own if not has_score(run)))
        for plan, own in by_plan.items()
    }


def with_doubt(verdict: Verdict, own: LostRuns, hosts: LostRuns, *, revoked: bool) -> Verdict:
    """Say why a claim that has lost more runs than the host stays undecided.

    Args:
        verdict: on the claim.
        own: the lost runs of the claim.
        hosts: those of the host.
        revoked: whether that takes back what an earlier look had decided in its favour, as in older confirmations.
    """
    if own.count <= hosts.count or verdict.outcome == "hurts" or not (revoked or verdict.outcome == "undecided"):
        return verdict
    doubt = (
        f"{own.count} of its {own.runs} runs did not complete, but {hosts.count or 'none'} of the host's, so "
        "the others may favour it"
    )
    undecided = {"outcome": "undecided", "look": 0, "seeds_at_look": 0, "beats": (), "not_beaten": (), "more": None}
    return replace(verdict, **undecided, doubt=doubt)  # type: ignore[arg-type]
