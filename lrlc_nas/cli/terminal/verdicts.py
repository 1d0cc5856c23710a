"""What a confirmation concludes, for the terminal."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from rich.console import Console

from ...config import Metric
from ...engine.concluding import conclusion_of
from ...errors import InputError
from ...evidence.conclusion import ClaimResult, Conclusion
from ...report.cards import claim_cards
from ...report.tested import tested_arms
from ...report.verdict_lines import opened
from ...store import Store, TestOpening, test_openings, times_opened
from .circumstances import print_circumstances
from .frames import add_row, empty_table
from .words import interval, plain, shown

__all__ = ["print_conclusion", "print_test", "write_cards"]


def print_conclusion(out: Console, store: Store, name: str) -> None:
    """Print the verdict of each claim, and how it stands to its controls."""
    study, conclusion = conclusion_of(store, name)
    none = "no stage has ended yet" if conclusion.open_runs else "no seed completed in the host and a claim"
    done = f"look {conclusion.looks}" if conclusion.looks else none
    out.print(
        plain(
            f"confirmation of {name}: {len(conclusion.seeds)} of {conclusion.planned} seeds for each of "
            f"{conclusion.arms} arms, {conclusion.open_runs} runs to go, {done}; all within "
            f"{conclusion.rule.family} {'hypothesis' if conclusion.rule.family == 1 else 'hypotheses'}"
        ),
        soft_wrap=True,
    )
    for result in conclusion.results:
        out.print(plain(result.verdict.text if result.verdict else f"{result.label}: {result.reason}"))
    if conclusion.looks:
        out.print(_controls(conclusion))
    print_circumstances(out, store, name)
    for note in conclusion.notes:
        out.print(plain(f"note: {note}"))
    own = len(test_openings(store, study))
    out.print(plain(opened(own, times_opened(store, study) - own)))


def print_test(out: Console, look: TestOpening, metric: Metric) -> None:
    """Print what an opening of the test split measured: each arm, and its difference from the host, seed by seed."""
    unit = f", {metric.unit}" if metric.unit else ""
    table = empty_table("arm", f"test {metric.name} >", "seeds >", f"{metric.minus} the host{unit} [95 %] >")
    for each in tested_arms(look, metric):
        found = each.against_host
        above = "" if each.arm == "host" else interval(metric, found.difference, found.low, found.high)
        add_row(table, each.arm, shown(metric, each.value), str(each.seeds), above)
    out.print(plain(f"test split opened {look.opened:%Y-%m-%d %H:%M} UTC"))
    out.print(table)


def write_cards(store: Store, name: str, folder: Path) -> list[Path]:
    """Write the card of each claim as Markdown and JSON.

    Raises:
        InputError: if there is no confirmation, or the folder cannot be written.
    """
    study, conclusion = conclusion_of(store, name)
    looks = test_openings(store, study)
    elsewhere = times_opened(store, study) - len(looks)
    cards = claim_cards(store.study(name), study, store.runs(study), conclusion, looks, elsewhere)
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, card in enumerate(cards, start=1):
            safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", card.label).strip("-.")[:80]
            facts = json.dumps(card.facts, indent=2, ensure_ascii=False) + "\n"
            for ending, text in ((".md", card.markdown), (".json", facts)):
                path = folder / f"claim-{number}-{safe}{ending}"
                path.write_text(text, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise InputError(f"cannot write cards to {folder}: {os.strerror(error.errno or 0)}") from None
    return written


def _controls(conclusion: Conclusion) -> object:
    metric = conclusion.rule.metric
    table = empty_table("claim", "control", f"claim {metric.minus} control [interval]", "beaten")
    for result in conclusion.results:
        first = result.label
        for label, comparison in result.against.items():
            difference = interval(metric, comparison.difference, comparison.low, comparison.high)
            add_row(table, first, label, difference, _beaten(result, label))
            first = ""
    return table


def _beaten(result: ClaimResult, label: str) -> str:
    if result.verdict is None or result.verdict.outcome != "helps":
        return "not tested"
    return "yes" if label in result.verdict.beats else "no"
