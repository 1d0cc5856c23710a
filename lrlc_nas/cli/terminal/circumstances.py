"""The table of the circumstances under which claims were challenged."""

from __future__ import annotations

from rich.console import Console

from ...engine.concluding import concluded
from ...evidence.challenge import ChallengeRow
from ...evidence.comparison import Comparison
from ...store import Store
from .frames import add_row, empty_table
from .words import interval, plain

__all__ = ["print_circumstances"]


def print_circumstances(out: Console, store: Store, name: str) -> None:
    """Print the table of circumstances and the outcome of each claim; nothing where nothing was challenged."""
    search = store.study(name)
    confirmation = store.confirmation_of(search)
    if confirmation is None:
        return
    conclusion, results = concluded(store, search, confirmation)
    if not any(result.rows for result in results):
        return
    metric = conclusion.rule.metric

    def told(found: Comparison | None) -> str:
        return "" if found is None else interval(metric, found.difference, found.low, found.high)

    unit = f" {metric.unit}" if metric.unit else ""
    head = f"{metric.minus} the host{unit} [interval] >"
    table = empty_table("claim", "circumstance", "finding", head, "epochs >", f"{metric.minus} the best control")
    for result in results:
        first = result.label
        for row in result.rows:
            control = f"{told(row.control[1])} {row.control[0]}" if row.control else ""
            add_row(table, first, _circumstance(row), row.finding, told(row.comparison), _epochs(row), control)
            first = ""
    out.print(table)
    for result in results:
        out.print(plain(f"{result.label}, {result.text}"), soft_wrap=True)
    out.print(plain("epochs: after how many the claim, and the host, reach the host's final score"))


def _circumstance(row: ChallengeRow) -> str:
    variants = ", ".join(f"{arm}: {variant}" for arm, variant in (row.variants or {}).items())
    return f"{row.text}{f' ({variants})' if variants else ''}{f' ({row.reason})' if row.reason else ''}"


def _epochs(row: ChallengeRow) -> str:
    if row.epochs_to_host is None:
        return ""
    claim, host = row.epochs_to_host
    return f"{'never' if claim is None else f'{claim:.0f}'}, {host:.0f}"
