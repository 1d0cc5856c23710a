"""Judging: every claim of a confirmation against the host, and what helps against its controls.

A claim compares an arm with the untouched host; `decisions` has the rule. A claim that helps is then compared with
its own controls, by the same rule within that small family: it beats those against which it helps as well, and so
they cannot explain the gain away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .comparison import Comparison, compare
from .decisions import OUTCOMES, Decisions, Rule, decide
from .sequential import alpha_of_look, check_sizes
from .t_power import SEEDS_CAP, seeds_for_equivalence, seeds_to_see
from .verdicts import Arm, Cost, MoreSeeds, Verdict

__all__ = ["judge", "more_seeds"]


def judge(
    host: Sequence[float],
    arms: Sequence[Arm],
    rule: Rule,
    *,
    sizes: Sequence[int] | None = None,
    cost: Cost | None = None,
) -> tuple[Verdict, ...]:
    """Judge every claim of a confirmation: one verdict for each arm, in their order.

    Args:
        host: n scores of the untouched host.
        arms: the claims, each with n scores.
        rule: what was settled before the first look.
        sizes: number of seeds at each look so far; one look at all n seeds unless given.
        cost: of one more seed.

    Raises:
        InputError: if there is no seed, scores are not finite or not n, the looks do not grow, or the family is
            smaller than the number of arms.
    """
    if rule.family < len(arms):
        raise InputError(
            f"the family must count all cells that were screened: at least {len(arms)}, but it is {rule.family}"
        )
    if len(host) == 0:
        raise InputError("judging needs at least one seed, but the host has no score")
    sizes = check_sizes([len(host)] if sizes is None else sizes, len(host))
    alpha = alpha_of_look(len(sizes), rule.alpha)
    comparisons = [_compare(arm, host, sizes[-1], 1 - alpha) for arm in arms]
    if not arms:
        return ()
    decisions = decide(_differences(arms, host), rule, sizes)
    return tuple(
        _verdict(arm, comparison, decisions, index, rule, sizes, cost)
        for index, (arm, comparison) in enumerate(zip(arms, comparisons, strict=True))
    )


def more_seeds(
    sd_of_difference: float, seeds: int, rule: Rule, *, next_look: int, cost: Cost | None = None
) -> MoreSeeds:
    """About how many more seeds, at least one, settle a claim either way at the next look.

    That is enough for a power of 80 % both to see a difference of delta in the whole family and, if there is none, to
    show equivalence. It depends on the measured spread of the difference and not on the difference seen.
    """
    alpha = alpha_of_look(next_look, rule.alpha)
    totals = (
        seeds_to_see(rule.delta, sd_of_difference, alpha / rule.family),
        seeds_for_equivalence(rule.delta, sd_of_difference, alpha),
    )
    more = max((SEEDS_CAP + seeds + 1 if total is None else total) - seeds for total in totals)
    capped, more = more > SEEDS_CAP, min(max(more, 1), SEEDS_CAP)
    hours = None if cost is None else more * cost.arms * cost.seconds_per_run / 3600
    return MoreSeeds(more, capped, hours)


def _compare(arm: Arm, baseline: Sequence[float], seeds: int, confidence: float) -> Comparison:
    if len(arm.scores) != len(baseline):
        raise InputError(
            f"arm {arm.name!r} needs one score for each seed of the arm beside it: {len(baseline)}, "
            f"but has {len(arm.scores)}"
        )
    try:
        return compare(arm.scores[:seeds], baseline[:seeds], confidence=confidence)
    except InputError as error:
        raise InputError(f"arm {arm.name!r}: {error}") from None


def _differences(arms: Sequence[Arm], baseline: Sequence[float]) -> NDArray[np.float64]:
    """(A, n): each arm less the baseline, seed by seed."""
    return np.array([arm.scores for arm in arms], dtype=np.float64) - np.asarray(baseline, dtype=np.float64)


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
    beats, not_beaten = _controls(arm, rule, sizes) if outcome == "helps" else ((), ())
    sd = comparison.sd_of_difference
    more = more_seeds(sd, sizes[-1], rule, next_look=len(sizes) + 1, cost=cost) if sd else None
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
        beats=beats,
        not_beaten=not_beaten,
        more=more if outcome == "undecided" else None,
    )


def _controls(arm: Arm, rule: Rule, sizes: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the controls that an arm beats, and of the others."""
    if not arm.controls:
        return (), ()
    for control in arm.controls:
        _compare(control, arm.scores, sizes[-1], 0.95)
    within = replace(rule, family=len(arm.controls))
    decisions = decide(-_differences(arm.controls, arm.scores), within, sizes)
    beaten = [OUTCOMES[code] == "helps" for code in decisions.outcome]
    named = list(zip((control.name for control in arm.controls), beaten, strict=True))
    return tuple(name for name, won in named if won), tuple(name for name, won in named if not won)
