"""Judging: every claim of a confirmation against the host, and what helps against its controls.

A claim compares an arm with the untouched host; `decisions` has the rule. A claim that helps is then compared with
its own controls, by the same rule within that small family: it beats those against which it helps as well, and so
they cannot explain the gain away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import InputError
from .comparison import Comparison, compare, holm, paired_t
from .decisions import OUTCOMES, Decisions, Rule, decide
from .samples import variance_of_samples
from .sequential import alpha_of_look, check_sizes
from .t_power import POWER, SEEDS_CAP, seeds_for_equivalence, seeds_to_see
from .verdicts import Arm, Cost, MoreSeeds, Verdict

__all__ = ["against_controls", "judge", "more_seeds"]


def judge(
    host: Arm, arms: Sequence[Arm], rule: Rule, *, sizes: Sequence[int] | None = None, cost: Cost | None = None
) -> tuple[Verdict, ...]:
    """Judge every claim of a confirmation: one verdict for each arm, in their order.

    Args:
        host: the untouched host, with n scores.
        arms: the claims, each with n scores.
        rule: what was settled before the first look.
        sizes: number of seeds at each look so far; one look at all n seeds unless given.
        cost: of one more seed.

    Raises:
        InputError: if there is no seed, scores are infinite or not n, the looks do not grow, or the family is smaller
            than the number of arms.
    """
    if rule.family < len(arms):
        raise InputError(f"the family must count all claims: at least {len(arms)}, but it is {rule.family}")
    if len(host.scores) == 0:
        raise InputError("judging needs at least one seed, but the host has no score")
    sizes = check_sizes([len(host.scores)] if sizes is None else sizes, len(host.scores))
    if not arms:
        return ()
    against_host = [_Against.of(arm, host, sizes) for arm in arms]
    decisions, levels = _decided(against_host, rule, sizes)
    return tuple(
        _verdict(arm, against.comparison(level), decisions, index, rule, sizes, cost)
        for index, (arm, against, level) in enumerate(zip(arms, against_host, levels, strict=True))
    )


def against_controls(arm: Arm, rule: Rule, sizes: Sequence[int]) -> tuple[dict[str, Comparison], tuple[str, ...]]:
    """Compare an arm with each of its controls, at the level that the answer rests on.

    Returns:
        Name of each control to the comparison, and the names of those that it beats.
    """
    if not arm.controls:
        return {}, ()
    against = [_Against.of(arm, control, sizes) for control in arm.controls]
    decisions, levels = _decided(against, replace(rule, family=len(arm.controls)), sizes)
    names = [control.name for control in arm.controls]
    found = [each.comparison(level) for each, level in zip(against, levels, strict=True)]
    beaten = [name for name, code in zip(names, decisions.outcome, strict=True) if OUTCOMES[code] == "helps"]
    return dict(zip(names, found, strict=True)), tuple(beaten)


def more_seeds(
    sd_of_difference: float,
    seeds: int,
    rule: Rule,
    *,
    next_look: int,
    cost: Cost | None = None,
    variance_of_samples: float = 0.0,
) -> MoreSeeds:
    """About how many more seeds, at least one, settle a claim either way at the next look.

    That is enough for a power of 80 % both to see a difference of delta in the whole family and, if there is none, to
    show equivalence. It depends on the measured spread of the difference and not on the difference seen.
    """
    alpha = alpha_of_look(next_look, rule.alpha)
    totals = (
        seeds_to_see(rule.delta, sd_of_difference, alpha / rule.family, variance_of_samples=variance_of_samples),
        seeds_for_equivalence(rule.delta, sd_of_difference, alpha, variance_of_samples=variance_of_samples),
    )
    more = max((SEEDS_CAP + seeds + 1 if total is None else total) - seeds for total in totals)
    capped, more = more > SEEDS_CAP, min(max(more, 1), SEEDS_CAP)
    hours = None if cost is None else more * cost.arms * cost.seconds_per_run / 3600
    # What the samples leave open with any number of seeds, by the normal distribution.
    reach = -float(special.ndtri(alpha / rule.family / 2)) - float(special.ndtri(1 - POWER))
    return MoreSeeds(more, capped, hours, capped and reach * sqrt(variance_of_samples) > rule.delta)


@dataclass(frozen=True)
class _Against:
    """An arm beside another one: differences seed by seed, NaN where either has no score, and what samples add.

    `arms` are the scores with the seeds that both have, `of_samples` is the variance that the samples add at each
    look, `lost_more` tells of each look whether the arm had lost more runs than the other.
    """

    arms: tuple[tuple[float, ...], tuple[float, ...]]
    differences: NDArray[np.float64]
    of_samples: NDArray[np.float64]
    samples: int
    lost_more: NDArray[np.bool_]

    @classmethod
    def of(cls, arm: Arm, other: Arm, sizes: Sequence[int]) -> _Against:
        if len(arm.scores) != len(other.scores):
            raise InputError(
                f"arm {arm.name!r} needs one score for each seed of the arm beside it: {len(other.scores)}, "
                f"but has {len(arm.scores)}"
            )
        scores = np.array([arm.scores, other.scores], dtype=np.float64)
        if np.isinf(scores).any():
            raise InputError(f"arm {arm.name!r}: scores are finite numbers, or NaN where a run was lost")
        lost = np.isnan(scores)
        either = lost[0] | lost[1]
        found = [_of_samples(arm, other, either, size) for size in sizes]
        kept = scores[:, : sizes[-1]][:, ~either[: sizes[-1]]].tolist()
        return cls(
            (tuple(kept[0]), tuple(kept[1])),
            scores[0] - scores[1],
            np.array([variance for variance, _ in found]),
            found[-1][1],
            np.array([lost[0, :size].sum() > lost[1, :size].sum() for size in sizes]),
        )

    def comparison(self, confidence: float) -> Comparison:
        variance = float(self.of_samples[-1])
        return compare(*self.arms, confidence=confidence, samples=self.samples, variance_of_samples=variance)


def _of_samples(arm: Arm, other: Arm, lost: NDArray[np.bool_], size: int) -> tuple[float, int]:
    if not arm.items or not other.items:
        return 0.0, 0
    there = [pair for pair in range(size) if not lost[pair]]
    return variance_of_samples([arm.items[pair] for pair in there], [other.items[pair] for pair in there])


def _decided(against: Sequence[_Against], rule: Rule, sizes: Sequence[int]) -> tuple[Decisions, list[float]]:
    """What the looks decide, and the level of the interval that each is shown with."""
    differences = np.array([each.differences for each in against])
    of_samples = np.array([each.of_samples for each in against])
    disfavoured = np.array([each.lost_more for each in against])
    decisions = decide(differences, rule, sizes, variance_of_samples=of_samples, disfavoured=disfavoured)
    alpha = alpha_of_look(len(sizes), rule.alpha)
    if not rule.together:
        return decisions, [1 - alpha] * len(against)
    p = paired_t(differences[:, : sizes[-1]], of_samples[:, -1]).p
    steps = rule.family - p.argsort().argsort()
    by_holm = (p * rule.family >= alpha) & (holm(p, rule.family) < alpha)
    return decisions, [float(level) for level in 1 - alpha / np.where(by_holm, steps, rule.family)]


def _verdict(
    arm: Arm,
    comparison: Comparison,
    decisions: Decisions,
    index: int,
    rule: Rule,
    sizes: tuple[int, ...],
    cost: Cost | None,
) -> Verdict:
    outcome, look = OUTCOMES[decisions.outcome[index]], int(decisions.look[index])
    alpha = alpha_of_look(len(sizes), rule.alpha)
    against, beaten = against_controls(arm, rule, sizes) if outcome == "helps" else ({}, ())
    sd, of_samples = comparison.sd_of_difference, comparison.variance_of_samples
    more = None
    if sd and outcome == "undecided":
        seeds, following = sizes[-1], len(sizes) + 1
        more = more_seeds(sd, seeds, rule, next_look=following, cost=cost, variance_of_samples=of_samples)
    return Verdict(
        arm=arm.name,
        outcome=outcome,
        delta=rule.delta,
        metric=rule.metric,
        comparison=comparison,
        simultaneous=comparison.interval(1 - alpha / rule.family),
        equivalence=comparison.interval(1 - 2 * alpha),
        adjusted_p=float(decisions.adjusted[index]),
        alpha=alpha,
        look=look,
        seeds_at_look=sizes[look - 1] if look else 0,
        looks=len(sizes),
        differs=bool(decisions.differs[index]),
        beats=beaten,
        not_beaten=tuple(name for name in against if name not in beaten),
        more=more,
        not_compared=arm.not_compared if outcome == "helps" else {},
    )
