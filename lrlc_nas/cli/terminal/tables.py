"""One study in the terminal: its state, its effects and its runs, made to fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...choices import Choice
from ...config import ACCURACY, Metric
from ...engine import study_bytes
from ...evidence import Effect, Screening, screen
from ...store import RunRecord, Store, StudyRecord
from .frames import add_row, console, empty_table
from .words import interval, mebibytes, plain, shown

if TYPE_CHECKING:
    from ...report import Reading

__all__ = ["checkpoint_size", "print_effects", "print_reading", "print_study", "run_counts"]


def print_study(store: Store, name: str) -> None:
    """Print the state, the effects and the runs of a study."""
    study = store.study(name)
    runs = store.runs(study)
    config = study.config
    out = console()
    out.print(plain(f"{name}: {config.subject}; {run_counts(store, study)}"))
    out.print(checkpoint_size(store, study))
    search = store.search_of(study)
    if search is not None:
        from .verdicts import print_conclusion  # needs much that a search does not

        print_conclusion(out, store, search.name)
    else:
        print_effects(out, screen(study, runs, store.epochs(study)))
    out.print(_runs_table(runs, study.metric))


def print_reading(reading: Reading) -> None:
    """Print the effects of an Optuna study, in the unit of its metric, and what limits them."""
    out, study = console(), reading.study
    ended = sum(run.finished is not None for run in reading.runs)
    out.print(plain(f"{study.name}: a study of Optuna's own; {len(reading.runs)} trials, {ended} ended"))
    print_effects(out, reading.screening)
    already = reading.screening.rising is not None  # which comes first, and stands beside the effects
    for caveat in reading.screening.caveats[already:]:
        out.print(plain(f"- {caveat}"))


def run_counts(store: Store, study: StudyRecord) -> str:
    """How many runs there are, and in which states."""
    counts = ", ".join(f"{number} {state}" for state, number in sorted(store.counts(study).items()))
    return f"{study.trials} runs: {counts}"


def checkpoint_size(store: Store, study: StudyRecord) -> str:
    """What the checkpoints of a study take on the disk of this machine."""
    return f"checkpoints on this machine: {mebibytes(study_bytes(store, study))}"


def print_effects(out: Console, screening: Screening) -> None:
    """Print the effects with their intervals, site by choice where that fits, else one row for each; and a warning."""
    metric, wide = screening.metric, _wide_effects(screening)
    fits = out.measure(wide, options=out.options.update(max_width=10_000)).maximum <= out.width
    if metric != ACCURACY:
        gains = "" if metric.direction == "maximize" else "; an effect above 0 is better"
        out.print(plain(f"metric: {metric.axis}; {metric.better}er is better{gains}"))
    what = "points of search accuracy" if metric == ACCURACY else metric.effects
    out.print(plain(f"effect against conv, {what} [95 % interval], screening:"))
    out.print(wide if fits else _tall_effects(screening))
    if screening.rising is not None:
        out.print(plain(f"note: {screening.rising.sentence(metric)}"), soft_wrap=True)


def _wide_effects(screening: Screening) -> Table:
    choices = sorted({e.choice for e in screening.effects}, key=lambda token: Choice.parse(token).relaxation)
    cells = {(effect.site, effect.choice): effect for effect in screening.effects}
    table = empty_table("site", *(f"{choice} >" for choice in choices))
    for site in dict.fromkeys(effect.site for effect in screening.effects):
        add_row(table, site, *(_effect(screening.metric, cells.get((site, choice))) for choice in choices))
    return table


def _tall_effects(screening: Screening) -> Table:
    table = empty_table("site", "choice", "effect >")
    for effect in screening.effects:
        add_row(table, effect.site, effect.choice, _effect(screening.metric, effect))
    return table


def _effect(metric: Metric, effect: Effect | None) -> str:
    return "not in the space" if effect is None else interval(metric, effect.estimate, effect.low, effect.high)


def _runs_table(runs: Iterable[RunRecord], metric: Metric) -> Table:
    table = empty_table("run >", "role", "state", "epochs >", f"{metric.name} >", "parameters >", "plan")
    for run in runs:
        parameters = "" if run.parameters is None else f"{run.parameters:,}"
        plan = plain("…" if run.plan is None else str(run.plan))
        if run.reason:
            plan = Text("\n").join([plan, plain(run.reason, "dim")])
        epochs, value = str(run.epoch), shown(metric, run.value)
        add_row(table, str(run.number), run.role, run.state, epochs, value, parameters, plan)
    return table
