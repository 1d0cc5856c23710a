"""The first and the last words of a study in the terminal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ..evidence import screen
from ..report import write_report
from ..store import Store
from ..study import OpenStudy, most_trials
from .tables import print_effects, run_counts
from .words import percent, plain


__all__ = ["command", "headline", "print_end", "report_path"]


def headline(study: OpenStudy, workers: int) -> str:
    """What is about to happen, in one line."""
    prepared, record = study.prepared, study.record
    sites = len(prepared.space.choices)
    return (
        f"study {record.name}: {prepared.config.host.name} on {prepared.config.data.name}, "
        f"{sites} {'site' if sites == 1 else 'sites'}, {prepared.space.size:,} plans, {record.trials} runs, "
        f"{workers} {'worker' if workers == 1 else 'workers'}"
    )


def report_path(name: str) -> Path:
    """The report of a study in the current folder; a name never becomes a path as it stands."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "study"
    return Path(f"{safe[:100]}-report.html")


def command(verb: str, name: str, *options: str) -> str:
    """A command as it may be pasted into a shell."""
    last = ["--", name] if name.startswith("-") else [name]
    return shlex.join(["lrlc-nas", verb, *options, *last])


def print_end(out: Console, store: Store, name: str, storage: Sequence[str] = ()) -> None:
    """Print the effects and the best run, write the report, and say what to try next.

    Args:
        out: where to.
        store: the study database.
        name: of the study.
        storage: the option that leads other commands to this database, if they need one.
    """
    study = store.study(name)
    runs = store.runs(study)
    screening = screen(study, runs, store.epochs(study))
    out.print(run_counts(store, study))
    print_effects(out, screening)
    if screening.best is not None:
        best = screening.best
        out.print(plain(f"best: trial {best.slot}, {percent(best.value)}, {best.plan}"))
    path = report_path(name)
    write_report(store, name, path)
    out.print(plain(f"report: {path.absolute()}"), soft_wrap=True)
    confirm = [] if screening.best is None else [command("confirm", name, *storage)]
    for following in (
        command("show", name, *storage),
        *confirm,
        command("resume", name, "--trials", str(min(study.trials + 10, most_trials(study, runs))), *storage),
        command("export", name, "-o", "best", *storage),
        shlex.join(["lrlc-nas", "dashboard", *storage]),
    ):
        out.print(plain(f"next: {following}"), soft_wrap=True)
