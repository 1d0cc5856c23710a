"""The first and the last words of a study in the terminal."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ...config import ACCURACY
from ...engine import OpenStudy
from ...engine.concluding import conclusion_of
from ...engine.confirm import SMALLEST_EFFECT
from ...errors import InputError
from ...evidence import Screening, screen
from ...evidence.claims import claims_worth_testing
from ...report import write_report
from ...search import most_trials
from ...store import Store, StudyRecord, TestOpening
from .tables import checkpoint_size, print_effects, run_counts
from .verdicts import print_conclusion, print_test
from .words import plain

__all__ = ["command", "headline", "print_confirmed", "print_end", "print_report", "print_tested", "report_path"]


def headline(study: OpenStudy, workers: int) -> str:
    """What is about to happen, in one line."""
    prepared, record = study.prepared, study.record
    sites = len(prepared.space.choices)
    return (
        f"study {record.name}: {prepared.config.subject}, "
        f"{sites} {'site' if sites == 1 else 'sites'}, {prepared.space.size:,} plans, {record.trials} runs, "
        f"{workers} {'worker' if workers == 1 else 'workers'}"
    )


def report_path(name: str) -> Path:
    """The report of a study in the current folder; a name never becomes a path as it stands.

    A digest tells names apart of which the same letters are safe.
    """
    safe = (re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.") or "study")[:90]
    digest = "" if safe == name else f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return Path(f"{safe}{digest}-report.html")


def command(verb: str, name: str, *options: str) -> str:
    """A command as it may be pasted into a shell."""
    last = ["--", name] if name.startswith("-") else [name]
    return shlex.join(["lrlc-nas", verb, *options, *last])


def print_end(out: Console, store: Store, name: str, storage: Sequence[str] = ()) -> None:
    """Print the effects and the best run, write the report, and say what to try next.

    ``storage`` is the option that leads other commands to this database, if they need one.
    """
    study = store.study(name)
    runs = store.runs(study)
    screening = screen(study, runs, store.epochs(study))
    out.print(plain(run_counts(store, study)))
    print_effects(out, screening)
    if (best := screening.best) is not None and best.value is not None:
        out.print(plain(f"best: run {best.number}, {study.metric.named(best.value)}, {best.plan}"))
    out.print(checkpoint_size(store, study))
    print_report(out, store, name)
    most = min(study.trials + 10, most_trials(study, runs))
    raised = [command("resume", name, "--trials", str(most), *storage)] if most > study.trials else []
    following = [command("confirm", name, *storage)]
    if why := _why_not_confirm(study, screening):
        out.print(plain(why), soft_wrap=True)
        following = raised
    _print_next(out, *following)
    others = [*raised, command("show", name, *storage), shlex.join(["lrlc-nas", "dashboard", *storage])]
    others += [command("export", name, "-o", "best", *storage)] if best else []
    for other in others:
        if other not in following:
            out.print(plain(f"also: {other}"), soft_wrap=True)


def _why_not_confirm(study: StudyRecord, screening: Screening) -> str:
    """Why no claim of a search is worth a confirmation; empty if one is."""
    try:
        claims_worth_testing(study, screening, SMALLEST_EFFECT if study.metric == ACCURACY else 0.0)
    except InputError as error:
        return str(error)
    return ""


def print_confirmed(out: Console, store: Store, name: str, storage: Sequence[str] = ()) -> None:
    """Print what a confirmation that has come to its end concludes, write the report, and say what to try next."""
    print_conclusion(out, store, name)
    print_report(out, store, name)
    helps = conclusion_of(store, name)[1].confirmed
    further = [command(verb, name, *storage) for verb in ("challenge", "test")] if helps else []
    _print_next(out, *further, command("cards", name, "-o", "cards", *storage))


def print_tested(out: Console, store: Store, name: str, look: TestOpening, storage: Sequence[str] = ()) -> None:
    """Print what the test split says, write the report, and say what to try next; arguments as above."""
    print_test(out, look, store.study(name).metric)
    print_report(out, store, name)
    _print_next(out, command("cards", name, "-o", "cards", *storage))


def print_report(out: Console, store: Store, name: str) -> None:
    """Write the report of a study to the current folder and print where it is."""
    path = report_path(name)
    write_report(store, name, path, trusted=True)  # whoever trained or tested has run its functions already
    out.print(plain(f"report: {path.absolute()}"), soft_wrap=True)


def _print_next(out: Console, *commands: str) -> None:
    """Print what to try next."""
    for following in commands:
        out.print(plain(f"next: {following}"), soft_wrap=True)
