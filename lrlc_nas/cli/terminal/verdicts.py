"""What a confirmation concludes, for the terminal."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from ...engine.concluding import conclusion_of
from ...errors import InputError
from ...evidence.comparison import compare
from ...evidence.conclusion import ClaimResult, Conclusion
from ...report.cards import claim_cards
from ...store import Store, TestOpening, test_openings
from .frames import add_row, empty_table
from .words import plain

__all__ = ["print_conclusion", "print_test", "write_cards"]


def print_conclusion(out: Console, store: Store, name: str) -> None:
    """Print the verdict of each claim, and how it stands to its controls."""
    study, conclusion = conclusion_of(store, name)
    none = "no stage has ended yet" if conclusion.open_runs else "no seed completed in every arm"
    done = f"look {conclusion.looks}" if conclusion.looks else none
    out.print(
        plain(
            f"confirmation of {name}: {len(conclusion.seeds)} of {conclusion.planned} seeds for each of "
            f"{conclusion.arms} arms, {conclusion.open_runs} runs to go, {done}; all within "
            f"{conclusion.rule.family} hypotheses"
        ),
        soft_wrap=True,
    )
    for result in conclusion.results:
        out.print(plain(result.verdict.text if result.verdict else f"{result.label}: {result.reason}"))
    if conclusion.looks:
        out.print(_controls(conclusion))
    for note in conclusion.notes:
        out.print(plain(f"note: {note}"))
    opened = len(test_openings(store, study))
    out.print(plain(f"the test images have been opened {opened} {'time' if opened == 1 else 'times'}"))


def print_test(out: Console, look: TestOpening) -> None:
    """Print what a look at the test images measured: each arm, and what it is above the host with the same seeds."""
    by_arm = (look.results or {}).get("accuracies", {})
    table = empty_table("arm", "test accuracy >", "seeds >", "minus the host, points [95 %] >")
    for arm, by_seed in by_arm.items():
        mean = 100 * sum(by_seed.values()) / len(by_seed)
        above = "" if arm == "host" else _above(by_seed, by_arm.get("host", {}))
        add_row(table, arm, f"{mean:.2f} %", str(len(by_seed)), above)
    out.print(plain(f"test images opened {look.opened:%Y-%m-%d %H:%M} UTC"))
    out.print(table)


def _above(by_seed: Mapping[str, float], host: Mapping[str, float]) -> str:
    shared = [seed for seed in by_seed if seed in host]
    found = compare(*([100 * scores[seed] for seed in shared] for scores in (by_seed, host)))
    return _interval(found.difference, found.low, found.high)


def write_cards(store: Store, name: str, folder: Path) -> list[Path]:
    """Write the card of each claim as Markdown and JSON.

    Raises:
        InputError: if there is no confirmation, or the folder cannot be written.
    """
    study, conclusion = conclusion_of(store, name)
    cards = claim_cards(store.study(name), study, store.runs(study), conclusion, test_openings(store, study))
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, card in enumerate(cards, start=1):
            safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", card.label).strip("-.")[:80]
            for ending, text in (
                (".md", card.markdown),
                (".json", json.dumps(card.facts, indent=2, ensure_ascii=False) + "\n"),
            ):
                path = folder / f"claim-{number}-{safe}{ending}"
                path.write_text(text, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise InputError(f"cannot write cards to {folder}: {os.strerror(error.errno or 0)}") from None
    return written


def _controls(conclusion: Conclusion) -> object:
    table = empty_table("claim", "control", "claim minus control [interval]", "beaten")
    for result in conclusion.results:
        first = result.label
        for label, comparison in result.against.items():
            add_row(
                table,
                first,
                label,
                _interval(comparison.difference, comparison.low, comparison.high),
                _beaten(result, label),
            )
            first = ""
    return table


def _interval(difference: float | None, low: float | None, high: float | None) -> str:
    if difference is None:
        return "cannot be told"
    if low is None or high is None:
        return f"{difference:+.2f}"
    return f"{difference:+.2f} [{low:+.2f}, {high:+.2f}]"


def _beaten(result: ClaimResult, label: str) -> str:
    if result.verdict is None or result.verdict.outcome != "helps":
        return "not tested"
    return "yes" if label in result.verdict.beats else "no"
