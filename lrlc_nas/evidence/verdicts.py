"""Verdicts: helps, hurts, equivalent or undecided, in plain words.

The interval that is shown is the one that the verdict rests on: of level 1 - α_j / family, j the last look
(`sequential`), so that those of a confirmation hold together (Bonferroni); where Holm's test finds a difference at a
later, less strict step, it has the level of that step. Older confirmations showed the level 1 - α_j.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..config import Metric
from .comparison import Comparison
from .wording import listed

__all__ = ["Arm", "Cost", "MoreSeeds", "Verdict"]


@dataclass(frozen=True)
class Arm:
    """A plan that the confirmation compares, by the name that the sentences call it.

    Attributes:
        scores: gains on the confirm split, in the order in which seeds were added; the same seeds for all arms, NaN
            where its run was not completed.
        controls: the arms that could explain its gain away.
        not_compared: name of a control with which it cannot be compared, to the reason.
        items: the gains on each sample, seed by seed, (m,) each; None where a run has none. Empty if no run has any.
    """

    name: str
    scores: tuple[float, ...]
    controls: tuple[Arm, ...] = ()
    not_compared: Mapping[str, str] = field(default_factory=dict)
    items: tuple[NDArray[np.float64] | None, ...] = ()


@dataclass(frozen=True)
class Cost:
    """What one more seed costs: seconds of one run on one device, for all arms, host and controls included."""

    seconds_per_run: float
    arms: int


@dataclass(frozen=True)
class MoreSeeds:
    """What would settle an undecided claim.

    Attributes:
        seeds: about how many more for each arm, at least 1; `SEEDS_CAP` where it is more than that (`capped`).
        hours: of one device, for all arms; None where no cost is known.
        samples: whether no number of seeds would, because the choice of the samples alone moves the difference too far.
    """

    seeds: int
    capped: bool
    hours: float | None
    samples: bool = False


@dataclass(frozen=True)
class Verdict:
    """What the confirmation concludes about one arm.

    Attributes:
        outcome: one of `OUTCOMES`.
        delta: the smallest difference that matters, in the unit of the metric.
        metric: of which all differences are gains.
        comparison: with the host, over all seeds of the last look, at the level that the verdict rests on.
        simultaneous: the interval that holds together with those of the whole family; None where there is none.
        equivalence: the interval of level 1 - 2 α_j that has to lie within ±delta; None where there is none.
        adjusted_p: Holm's, at the look that decided or else at the last one.
        alpha: what the last look spends, α_j.
        look: the look that decided, from 1, with its number of seeds; both 0 where none has.
        looks: how many looks there have been.
        differs: whether a difference was found; may hold beside *equivalent*.
        beats: names of the controls against which it helps as well; the others are not beaten. Empty unless it helps.
        not_compared: name of a control with which it cannot be compared, to the reason.
        more: what would settle it; None unless it is undecided with a known spread and without a doubt.
        challenge: what became of it under other circumstances, in a clause; empty before it was challenged.
        doubt: why it stays undecided whatever the scores say (see `lost_runs`); empty where they decide.
    """

    arm: str
    outcome: str
    delta: float
    metric: Metric
    comparison: Comparison
    simultaneous: tuple[float, float] | None
    equivalence: tuple[float, float] | None
    adjusted_p: float
    alpha: float
    look: int
    seeds_at_look: int
    looks: int
    differs: bool
    beats: tuple[str, ...]
    not_beaten: tuple[str, ...]
    more: MoreSeeds | None
    doubt: str = ""
    not_compared: Mapping[str, str] = field(default_factory=dict, hash=False)
    challenge: str = ""

    @property
    def text(self) -> str:
        """The verdict in one sentence."""
        return "; ".join(filter(None, [*_clauses(self), self.challenge])) + "."

    @property
    def recipe(self) -> str:
        """The words that bound what is known before a challenge: `` at this recipe``."""
        return "" if self.challenge else " at this recipe"

    @property
    def decided_before(self) -> bool:
        """Whether it was a look before the last that decided."""
        return 0 < self.look < self.looks

    @property
    def history(self) -> str:
        """Which look decided, and whether the last would have; empty where it was the last."""
        return ", but ".join(_history(self))


def _clauses(verdict: Verdict) -> Iterator[str]:
    if verdict.outcome == "undecided":
        yield f"{verdict.arm} is undecided: {_measured(verdict)}"
        if verdict.doubt:
            yield verdict.doubt
        if verdict.more:
            yield _settled_by(verdict.more, verdict.metric.amount(verdict.delta))
    elif verdict.outcome == "equivalent":
        small = (
            "" if verdict.decided_before else f", which is less than {verdict.metric.amount(verdict.delta)} either way"
        )
        yield f"{verdict.arm} is equivalent to the host{verdict.recipe}: {_measured(verdict)}{small}"
        yield from filter(None, [verdict.history])
        if verdict.differs:
            yield "it is not zero, but too small to matter"
    else:
        yield f"{verdict.arm} {verdict.outcome}{verdict.recipe}: {_measured(verdict)}"
        yield from filter(None, [verdict.history])
        yield from _against_controls(verdict)


def _measured(verdict: Verdict) -> str:
    """The difference with its interval, or why there is none."""
    comparison, metric = verdict.comparison, verdict.metric
    if comparison.difference is None:
        return comparison.reason
    difference = metric.difference(comparison.difference)
    if comparison.low is None or comparison.high is None:
        return f"{difference}, but {comparison.reason}"
    low, high, confidence = comparison.low, comparison.high, comparison.confidence
    if verdict.outcome == "equivalent" and verdict.equivalence:
        (low, high), confidence = verdict.equivalence, 1 - 2 * verdict.alpha
    # The p value of an earlier look stands beside that look.
    p = "" if verdict.decided_before else f", adjusted p {_p(verdict.adjusted_p)}"
    between = f"{metric.signed(low)} to {metric.signed(high)}"
    over = f"{comparison.n} seeds"
    over += f" and {comparison.samples:,} samples" if comparison.samples else ", for these samples"
    return f"{difference} ({100 * confidence:.4g} % interval {between}, {over}{p})"


def _history(verdict: Verdict) -> Iterator[str]:
    if not verdict.decided_before:
        return
    bound = f" within {verdict.metric.amount(verdict.delta)} either way" if verdict.outcome == "equivalent" else ""
    yield (
        f"this was decided{bound} at look {verdict.look} of {verdict.looks}, with {verdict.seeds_at_look} seeds "
        f"(adjusted p {_p(verdict.adjusted_p)})"
    )
    low, high = verdict.comparison.low, verdict.comparison.high
    if verdict.outcome == "equivalent":
        if verdict.equivalence and max(map(abs, verdict.equivalence)) >= verdict.delta:
            yield "the last interval reaches beyond that"
    elif low is not None and high is not None:
        worst, best = (low, high) if verdict.outcome == "helps" else (-high, -low)
        if best < 0:
            yield "the last interval lies on the other side of zero"
        elif worst <= 0:
            yield "the last interval no longer excludes zero"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _settled_by(more: MoreSeeds, delta: str) -> str:
    if more.samples:
        return f"more seeds would not settle it: to tell a difference of {delta}, the confirm split needs more samples"
    seeds = f"{'more than' if more.capped else 'about'} {more.seeds} more seed{'' if more.seeds == 1 else 's'}"
    hours = "" if more.hours is None else f" ({more.hours:.1f} hours{' or more' if more.capped else ''})"
    return f"{seeds} for each arm{hours} would show a difference of {delta}, or that there is none"


def _against_controls(verdict: Verdict) -> Iterator[str]:
    if verdict.beats:
        yield f"it beats {listed(verdict.beats)}"
    if verdict.not_beaten:
        yield f"it has not been shown to beat {listed(verdict.not_beaten)}, which may explain the gain as well"
    for name, reason in verdict.not_compared.items():
        yield f"not compared with {name}: {reason}"
