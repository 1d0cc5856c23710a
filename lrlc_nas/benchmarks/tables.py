"""A benchmark as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from .racing import Spread
from .records import Comparison, Entry, Machine, Outcome, Pass
from .targets import TARGETS

__all__ = ["comparison_table", "machine_lines", "outcome_table"]

_LABELS = {"einsum": "K convs + einsum", "unfold": "unfold x weight, sum", "conv": "conv", "lc": "lc", "lrlc": "lrlc"}
_HEADINGS = ("", "forward ms [quartiles]", "/floor", "fwd+bwd ms [quartiles]", "/floor", "/first", "peak MiB")


def machine_lines(machine: Machine) -> str:
    """Where it is measured, in two lines."""
    rates = machine.rates
    return (
        f"{machine.name} ({machine.device}), {machine.dtype}, torch {machine.torch}, "
        f"{machine.threads} threads, {machine.date}\n"
        f"reached here: {rates.operations / 1e9:,.1f} GFLOP/s in a matrix product, "
        f"{rates.bytes / 1e9:,.1f} GB/s in a copy"
    )


def comparison_table(comparison: Comparison) -> str:
    """Each contender's times, over the floor and (``/first``) over the first contender's, and its peak memory."""
    first = comparison.entries[0].training.spread.median
    rows = [_row(entry, first) for entry in comparison.entries]
    rounds = len(comparison.entries[0].training.seconds)
    title = f"{comparison.size}, {comparison.layout}, {rounds} rounds"
    return f"{title}\n{_aligned([_HEADINGS, *rows])}"


def outcome_table(outcomes: Sequence[Outcome]) -> str:
    """Each target at each size, and the targets that nothing was measured for."""
    headings = ("target", "limit", "ratio [quartiles]", "", "worst at", "size")
    rows = [
        (
            outcome.target,
            f"{'>=' if outcome.at_least else '<='} {outcome.limit:.4g}",
            _spread(outcome.ratio, 3),
            "met" if outcome.met else "NOT MET",
            outcome.case,
            f"{outcome.size}, {outcome.layout}",
        )
        for outcome in outcomes
    ]
    judged = {outcome.target for outcome in outcomes}
    missing = [f"not measured: {target.words}" for target in TARGETS if target.words not in judged]
    return "\n".join([_aligned([headings, *rows], left=(0, 3, 4, 5)), *missing])


def _row(entry: Entry, first: float) -> tuple[str, ...]:
    label = _LABELS.get(entry.kind) or f"lrlc {entry.kind} path"
    return (
        label + (f", K={entry.rank}" if entry.rank else ""),
        *_times(entry.forward),
        *_times(entry.training),
        f"{entry.training.spread.median / first:.2f}",
        f"{entry.peak_bytes / 2**20:,.1f}",
    )


def _times(each: Pass) -> tuple[str, str]:
    return _spread(each.spread, 4, scale=1e3), f"{each.over_floor:.1f}"


def _spread(spread: Spread, digits: int, *, scale: float = 1) -> str:
    median, low, high = (f"{scale * value:.{digits}g}" for value in (spread.median, spread.low, spread.high))
    return f"{median} [{low}, {high}]"


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    template = "  ".join(f"{{:{'<' if index in left else '>'}{width}}}" for index, width in enumerate(widths))
    return "\n".join("  " + template.format(*row).rstrip() for row in rows)
