"""The sentences that belong beside the numbers of a screening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..config import Metric
from ..facts import Role, RunState
from ..store import RunRecord
from .design_matrix import Observed
from .interactions import Context, Interaction
from .rising_curves import RisingCurves
from .wording import listed

if TYPE_CHECKING:
    from .effects import Effect


__all__ = ["caveats"]


def caveats(
    runs: Sequence[RunRecord],
    seen: Observed,
    effects: Sequence[Effect],
    contexts: Sequence[Context],
    interactions: Sequence[Interaction],
    *,
    metric: Metric,
    degrees_of_freedom: int,
    rising: RisingCurves | None = None,
) -> tuple[str, ...]:
    """What a reader has to know before believing a screening: whole sentences, the most important first."""
    return (
        *([rising.sentence(metric)] if rising else []),
        *_about_confidence(seen, sum(effect.low is not None for effect in effects), degrees_of_freedom),
        *_about_addition(seen, contexts, interactions, metric),
        *_about_selection(runs, seen, metric),
    )


def _about_confidence(seen: Observed, intervals: int, degrees_of_freedom: int) -> Iterator[str]:
    yield (
        "This is a screening: one analysis, mostly one seed for each plan, on the split that guides the search. "
        "A gain counts only after a confirmation with new seeds on a split that the search never used."
    )
    if intervals:
        yield (
            f"Each interval holds for its own effect alone: with {intervals} intervals, about "
            f"{0.05 * intervals:.1f} would exclude zero by chance."
        )
    if seen.complete and degrees_of_freedom == 0:
        yield "There are as many effects as runs, so there is no interval: more runs are needed."


def _about_addition(
    seen: Observed, contexts: Sequence[Context], interactions: Sequence[Interaction], metric: Metric
) -> Iterator[str]:
    if not seen.complete:
        return
    cells = [f"{each.choice} at {each.site}" for each in contexts if each.disagrees]
    pairs = [f"{each.first} with {each.second}" for each in interactions if each.flagged]
    if cells:
        yield (
            f"The effect of {listed(cells)} differs alone and together with other sites: the estimate is an average "
            "over the plans of this study."
        )
    if pairs:
        yield f"Effects do not add up for {listed(pairs)}: what one does depends on the other."
    if not cells and not pairs:
        tested = sum(each.p_value is not None for each in interactions)
        yield (
            "Effects are taken to add up over sites; "
            f"{tested} of {len(interactions)} pairs of sites could be tested for that, and none stood out."
            + _smallest_seen(interactions, metric)
        )


def _smallest_seen(interactions: Sequence[Interaction], metric: Metric) -> str:
    visible = sorted(each.visible for each in interactions if each.visible is not None)
    if not visible:
        return ""
    smallest, largest = (metric.spread(each) for each in (visible[0], visible[-1]))
    seen = smallest if smallest == largest else f"{smallest} to {largest}, by the pair,"
    return f" An interaction of {seen} is the smallest that this study finds in 80 %: less than that may well be there."


def _about_selection(runs: Sequence[RunRecord], seen: Observed, metric: Metric) -> Iterator[str]:
    pruned = len(seen.pruned)
    if pruned:
        yield (
            f"{_runs(pruned, 'was', 'were')} pruned early and {_is(pruned)} used up to there: what "
            "the end would have been is inferred from the complete runs, on the assumption that it follows from "
            f"plan and early {metric.name} in a straight line."
        )
    unused = sum(run.state == RunState.PRUNED for run in runs) - pruned
    if unused:
        yield (
            f"{_runs(unused, 'was', 'were')} pruned and {_is(unused)} not used: "
            "the survivors are a selected sample, which favours choices that learn early and narrows intervals."
        )
    used = (*seen.complete, *seen.pruned)
    sampled = sum(run.role == Role.SAMPLED for run in used)
    if sampled:
        yield (
            f"{sampled} of the {len(used)} runs used came from the sampler, which returns to plans that "
            "scored well: a chance gain of an early run can spread to similar plans."
        )
    failed = sum(run.state == RunState.FAILED for run in runs)
    if failed:
        yield f"{_runs(failed, 'has', 'have')} failed and {_is(failed)} not used."


def _runs(count: int, one: str, many: str) -> str:
    return f"1 run {one}" if count == 1 else f"{count} runs {many}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
