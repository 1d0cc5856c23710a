"""The sentences that belong beside the numbers of a screening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..store import RunRecord


__all__ = ["caveats"]


def caveats(
    runs: Sequence[RunRecord], used: Sequence[RunRecord], *, effects: int, degrees_of_freedom: int
) -> tuple[str, ...]:
    """What a reader has to know before believing a screening.

    Args:
        runs: all runs of the study.
        used: those that the estimates come from.
        effects: how many effects were looked at.
        degrees_of_freedom: of the residual.

    Returns:
        Whole sentences, the most important first.
    """
    return tuple(_sentences(runs, used, effects, degrees_of_freedom))


def _sentences(
    runs: Sequence[RunRecord], used: Sequence[RunRecord], effects: int, degrees_of_freedom: int
) -> Iterator[str]:
    yield (
        "This is a screening: one look, mostly one seed for each plan, on the images that the search itself "
        "looks at. A gain counts only after a confirmation with fresh seeds on images that the search never "
        "saw."
    )
    if used and degrees_of_freedom > 0:
        yield (
            f"Each interval holds for its own effect alone: with {effects} looked at, about "
            f"{0.05 * effects:.1f} would exclude zero by chance."
        )
    if used and degrees_of_freedom == 0:
        yield "There are as many effects as runs, so that no interval can be given: more runs are needed."
    if used:
        yield "Effects are taken to add up over sites; what two relaxed sites do to each other is not told."
    yield from _about_selection(runs, used)


def _about_selection(runs: Sequence[RunRecord], used: Sequence[RunRecord]) -> Iterator[str]:
    pruned = sum(run.state == "pruned" for run in runs)
    if pruned:
        yield (
            f"{_runs(pruned, 'was', 'were')} pruned and {'is' if pruned == 1 else 'are'} not used: "
            "the survivors are a selected sample, which flatters choices that learn early and narrows intervals."
        )
    sampled = sum(run.role == "sampled" for run in used)
    if sampled:
        yield (
            f"{sampled} of the {len(used)} runs used came from the sampler, which returns to what looked "
            "good: the luck of an early run can pass on to its neighbours."
        )
    failed = sum(run.state == "failed" for run in runs)
    if failed:
        yield f"{_runs(failed, 'has', 'have')} failed and {'is' if failed == 1 else 'are'} not used."


def _runs(count: int, one: str, many: str) -> str:
    return f"1 run {one}" if count == 1 else f"{count} runs {many}"
