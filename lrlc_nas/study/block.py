"""The balanced block: the runs that come before any sampler and are never pruned.

It holds the untouched host with several seeds, which shows how far seeds alone move the result, and every
single-site relaxation. Where that would take more than half of the budget, a fraction stands in for the single
relaxations: plans in which each choice stands at each site equally often, close to orthogonal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import qmc

from ..choices import CONV, Plan
from ..errors import InputError
from .space import Space


__all__ = ["BlockRun", "balanced_block"]

_DRAWS = 50


@dataclass(frozen=True)
class BlockRun:
    """One run of the block: its role (``host``, ``single`` or ``fraction``), its repeat and its plan."""

    role: str
    repeat: int
    plan: Plan


def balanced_block(space: Space, trials: int, host_repeats: int, seed: int) -> list[BlockRun]:
    """The block for a space and a budget.

    Raises:
        InputError: if the budget does not even hold the repeats of the host, or holds more runs than there are
            plans to train.
    """
    if trials <= host_repeats:
        raise InputError(
            f"budget.trials must be above search.host_repeats (= {host_repeats}), which come first; got {trials}"
        )
    most = space.size - 1 + host_repeats
    if trials > most:
        raise InputError(
            f"budget.trials: the space holds {space.size} plans, so that at most {most} runs differ "
            f"(the host is run {host_repeats} times); got {trials}"
        )
    hosts = [BlockRun("host", repeat, Plan()) for repeat in range(host_repeats)]
    singles = [
        BlockRun("single", 0, Plan.of({site: choice}))
        for site, choices in space.choices.items()
        for choice in choices
        if choice != CONV
    ]
    if 2 * (len(hosts) + len(singles)) <= trials:
        return hosts + singles
    rows = trials // 2 - host_repeats
    return hosts + [BlockRun("fraction", 0, plan) for plan in _fraction(space, rows, seed)]


def _fraction(space: Space, rows: int, seed: int) -> list[Plan]:
    """Plans of a balanced, near-orthogonal fraction of the full factorial.

    A Latin hypercube has one point in each of `rows` slices of every axis, so cutting an axis into L levels
    gives each level rows / L times; minimising the discrepancy keeps pairs of axes near-orthogonal.
    """
    levels = math.lcm(*{len(choices) for choices in space.choices.values()})
    rows = rows - rows % levels if rows >= levels else rows
    if rows < 1:
        return []
    best: list[Plan] = []
    for draw in range(_DRAWS):
        hypercube = qmc.LatinHypercube(len(space.choices), optimization="random-cd", rng=seed + draw)
        plans = {
            Plan.of(
                {
                    site: choices[min(int(u * len(choices)), len(choices) - 1)]
                    for u, (site, choices) in zip(point, space.choices.items(), strict=True)
                }
            ): None
            for point in hypercube.random(rows)
        }
        plans.pop(Plan(), None)  # the host has its own runs
        if len(plans) > len(best):
            best = list(plans)
        if len(best) == rows:
            break
    return best
