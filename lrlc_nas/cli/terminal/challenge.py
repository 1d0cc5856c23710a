"""A challenge in the terminal: what it would train, and what it has shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ...engine.challenge import PlannedChallenge
from ...store import Store
from .circumstances import print_circumstances
from .ending import command, print_report
from .frames import add_row, empty_table
from .words import duration, plain

__all__ = ["print_challenge_plan", "print_challenged"]


def print_challenge_plan(out: Console, planned: Sequence[PlannedChallenge], workers: int) -> None:
    """Print arms, runs and time of each circumstance, and the sum, before anything is written."""
    table = empty_table("circumstance", "arms >", "runs >", "time >")
    for each in planned:
        add_row(table, each.text, str(len(each.config.confirmed.arms)), str(each.runs), duration(each.seconds, workers))
    known = [each.seconds for each in planned if each.seconds is not None]
    together = duration(sum(known) if len(known) == len(planned) else None, workers)
    first = planned[0].config.confirmed
    out.print(plain(f"challenge of {', '.join(claim.label for claim in first.claims)}"), soft_wrap=True)
    out.print(table)
    out.print(plain(f"{sum(each.runs for each in planned)} runs, {together} with {workers} workers"))


def print_challenged(out: Console, store: Store, name: str, storage: Sequence[str] = ()) -> None:
    """Print the table of circumstances and the outcome of each claim, write the report, and say what comes next."""
    print_circumstances(out, store, name)
    print_report(out, store, name)
    out.print(plain(f"next: {command('test', name, *storage)}"), soft_wrap=True)
