"""The balanced block: the runs that come before any sampler and are never pruned.

It holds the untouched host with several seeds, which shows how far seeds alone move the result, and every
single-site relaxation. Where that would take more than half of the budget, a fraction stands in for the single
relaxations: plans in which each choice stands at each site equally often, close to orthogonal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from ..choices import CONV, Plan
from ..errors import InputError
from ..facts import Role
from .space import Space

__all__ = ["BlockRun", "balanced_block", "block_size", "singles_and_hosts"]

_STARTS = 5


@dataclass(frozen=True)
class BlockRun:
    """One run of the block: its role (``host``, ``single`` or ``fraction``), its repeat and its plan."""

    role: Role
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
    everything = singles_and_hosts(space, host_repeats)
    if 2 * len(everything) <= trials:
        return everything
    rows = _rows(space, trials, host_repeats)
    return everything[:host_repeats] + [BlockRun(Role.FRACTION, 0, plan) for plan in _fraction(space, rows, seed)]


def singles_and_hosts(space: Space, host_repeats: int) -> list[BlockRun]:
    """The block where the budget is large enough: the untouched host several times, then every single relaxation."""
    return [BlockRun(Role.HOST, repeat, Plan()) for repeat in range(host_repeats)] + [
        BlockRun(Role.SINGLE, 0, Plan.of({site: choice}))
        for site, choices in space.choices.items()
        for choice in choices
        if choice != CONV
    ]


def block_size(space: Space, trials: int, host_repeats: int) -> int:
    """How many runs the block has, without making it; a fraction may lack a few, which would repeat others."""
    singles = sum(len(choices) - 1 for choices in space.choices.values())
    if 2 * (host_repeats + singles) <= trials:
        return host_repeats + singles
    return host_repeats + _rows(space, trials, host_repeats)


def _rows(space: Space, trials: int, host_repeats: int) -> int:
    """The rows of a fraction: what is left of half of the budget, in whole rounds of all levels if it holds one."""
    rows = max(0, trials // 2 - host_repeats)
    levels = math.lcm(*(len(choices) for choices in space.choices.values()))
    return rows - rows % levels if rows >= levels else rows


def _fraction(space: Space, rows: int, seed: int) -> list[Plan]:
    """Plans of a balanced, near-orthogonal fraction of the full factorial, without the untouched host."""
    sizes = [len(choices) for choices in space.choices.values()]
    if rows < 1:
        return []
    tables = (_near_orthogonal(sizes, rows, default_rng([seed, start])) for start in range(_STARTS))
    table, _ = min(tables, key=lambda item: item[1])
    sites = space.choices.items()
    plans = dict.fromkeys(
        Plan.of({site: choices[level] for (site, choices), level in zip(sites, row, strict=True)})
        for row in table.tolist()
    )
    return [plan for plan in plans if plan != Plan()]


def _near_orthogonal(sizes: Sequence[int], rows: int, rng: Generator) -> tuple[NDArray[np.int64], int]:
    """A table (rows, columns) of levels with balanced columns, and its J₂, in which a row of zeros, the host, counts.

    Two rows r, s agree by δ(r, s) = Σ over the columns c where they are equal of sizes[c]. Among tables with
    balanced columns J₂ = Σ δ(r, s)² over all pairs of rows is least for an orthogonal one. Levels are exchanged
    within a column, between the two rows where that lowers J₂ most, until no exchange does.

    Reference: Xu, "An Algorithm for Constructing Orthogonal and Nearly-Orthogonal Arrays With Mixed Levels and
    Small Runs", Technometrics 44 (2002).
    """
    columns = [rng.permutation(np.arange(rows) % size) for size in sizes]
    table = np.vstack([np.stack(columns, axis=1), np.zeros((1, len(sizes)), np.int64)])
    agreement = ((table[:, None] == table[None]) * np.array(sizes)).sum(axis=-1)
    while sum(
        _exchange(column, size, row, agreement)
        for column, size in zip(table.T, sizes, strict=True)
        for row in range(rows)
    ):
        pass
    return table[:-1], int((agreement**2).sum())


def _exchange(column: NDArray[np.int64], size: int, row: int, agreement: NDArray[np.int64]) -> bool:
    """Exchange the level in a row with the best other one, if that lowers J₂; whether it did."""
    others = np.arange(len(column) - 1)
    # Agreement of `row` with each row k, gained by taking the level of each other row.
    gain = size * ((column == column[others, None]).astype(np.int64) - (column == column[row]))
    gain[:, row] = 0
    gain[others, others] = 0
    change = (gain * (agreement[row] - agreement[others] + gain)).sum(axis=1)
    best = int(change.argmin())
    if change[best] >= 0:
        return False
    column[[row, best]] = column[[best, row]]
    for changed, by in ((row, gain[best]), (best, -gain[best])):
        agreement[changed] += by
        agreement[:, changed] = agreement[changed]
    return True
