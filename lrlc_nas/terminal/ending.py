"""The first and the last words of a study in the terminal."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from rich.console import Console

from ..evidence import screen
from ..report import write_report
from ..store import Store
from ..study import OpenStudy
from .tables import effects_table, percent


__all__ = ["headline", "print_end", "report_path"]


def headline(study: OpenStudy, workers: int) -> str:
    """What is about to happen, in one line."""
    prepared, record = study.prepared, study.record
    sites = len(prepared.space.choices)
    return (
        f"study {record.name}: {prepared.config.host.name} on {prepared.config.data.name}, "
        f"{sites} sites, {prepared.space.size:,} plans, {record.trials} runs, "
        f"{workers} {'worker' if workers == 1 else 'workers'}, {study.store.shown}"
    )


def report_path(name: str) -> Path:
    """The report of a study in the current folder; a name never becomes a path as it stands."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "study"
    return Path(f"{safe[:100]}-report.html")


def print_end(out: Console, store: Store, name: str) -> None:
    """Print the effects and the best run, write the report, and say what to try next."""
    study = store.study(name)
    screening = screen(study, store.runs(study))
    path = report_path(name)
    write_report(store, name, path)
    out.print(effects_table(screening))
    if screening.best is not None:
        best = screening.best
        out.print(f"best: trial {best.slot}, {percent(best.value)}, {best.plan}", markup=False)
    out.print(f"report: {path.absolute()}", markup=False, soft_wrap=True)
    word = shlex.quote(name)
    for command in (
        f"lrlc-nas show {word}",
        f"lrlc-nas resume {word} --trials {study.trials + 10}",
        f"lrlc-nas export {word} -o best",
        "lrlc-nas dashboard",
    ):
        out.print(f"next: {command}", markup=False, soft_wrap=True)
