"""Tables for the terminal, made to fit one of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...choices import CONV, Choice
from ...engine import Prepared, study_bytes
from ...errors import InputError
from ...evidence import Effect, Screening, screen
from ...networks import Site, site_cost, why_not_buildable
from ...search import best_run, extra_cost, shortage
from ...store import RunRecord, Store, StudyRecord
from .frames import add_row, console, empty_table
from .verdicts import print_conclusion
from .words import percent, plain


__all__ = [
    "checkpoint_size",
    "print_effects",
    "print_sites",
    "print_studies",
    "print_study",
    "run_counts",
]


def print_studies(store: Store) -> None:
    """Print the studies of a database, one row each."""
    names = store.names()
    out = console()
    if not names:
        out.print(plain(f"no study in {store.shown}; 'lrlc-nas start' makes one"))
        return
    table = empty_table("study", "host", "data", "ended >", "best >", "disk >", "created (UTC)")
    for name in names:
        try:
            add_row(table, *_study_cells(store, name))
        except InputError as error:  # the others can be shown all the same
            add_row(table, name, "", "", "", "", "", str(error))
    out.print(table)


def print_study(store: Store, name: str) -> None:
    """Print the state, the effects and the runs of a study."""
    study = store.study(name)
    runs = store.runs(study)
    config = study.config
    out = console()
    out.print(plain(f"{name}: {config.host_name} on {config.data_name}; {run_counts(store, study)}"))
    out.print(checkpoint_size(store, study))
    search = store.search_of(study)
    if search is not None:
        print_conclusion(out, store, search.name)
    else:
        print_effects(out, screen(study, runs, store.epochs(study)))
    out.print(_runs_table(runs))


def run_counts(store: Store, study: StudyRecord) -> str:
    """How many runs there are, and in which states."""
    counts = ", ".join(f"{number} {state}" for state, number in sorted(store.counts(study).items()))
    return f"{study.trials} runs: {counts}"


def checkpoint_size(store: Store, study: StudyRecord) -> str:
    """What the checkpoints of a study take on the disk of this machine."""
    return f"checkpoints on this machine: {_mebibytes(study_bytes(store, study))}"


def print_effects(out: Console, screening: Screening) -> None:
    """Print the effects with their intervals: site by choice where that fits, else one row for each."""
    wide = _wide_effects(screening)
    fits = out.measure(wide, options=out.options.update(max_width=10_000)).maximum <= out.width
    out.print("effect against conv, points of search accuracy [95 % interval], screening:")
    out.print(wide if fits else _tall_effects(screening))


def print_sites(prepared: Prepared) -> None:
    """Print each site, what each choice would add there, and what is no site and why."""
    out = console()
    host = prepared.host
    name = prepared.config.host_name
    out.print(plain(f"{name}: {host.parameters:,} parameters, {host.macs:,} MACs per image"))
    memory = _mebibytes(prepared.task.training_bytes(host))
    out.print(f"memory: of training; the host takes {memory}")
    out.print(f"plans in the space: {prepared.space.size:,}")
    if note := shortage(prepared.config, prepared.space):
        out.print(plain(note))
    table = empty_table("site", "choice", "parameters >", "MACs >", "memory >", "in the space")
    for name, site in prepared.survey.sites.items():
        _add_site(table, prepared, name, site)
    out.print(table)
    for name, reason in prepared.survey.refused.items():
        out.print(plain(f"not a site: {name}: {reason}"))


def _wide_effects(screening: Screening) -> Table:
    choices = sorted({e.choice for e in screening.effects}, key=lambda token: Choice.parse(token).relaxation)
    cells = {(effect.site, effect.choice): effect for effect in screening.effects}
    table = empty_table("site", *(f"{choice} >" for choice in choices))
    for site in dict.fromkeys(effect.site for effect in screening.effects):
        add_row(table, site, *(_effect(cells.get((site, choice))) for choice in choices))
    return table


def _study_cells(store: Store, name: str) -> tuple[str, ...]:
    study = store.study(name)
    config = study.config
    runs = store.runs(study)
    ended = f"{sum(run.finished is not None for run in runs)}/{len(runs)}"
    best = best_run(runs)
    value, disk = percent(best.value if best else None), _mebibytes(study_bytes(store, study))
    created = f"{study.created:%Y-%m-%d %H:%M}"
    return (name, config.host_name, config.data_name, ended, value, disk, created)


def _tall_effects(screening: Screening) -> Table:
    table = empty_table("site", "choice", "effect >")
    for effect in screening.effects:
        add_row(table, effect.site, effect.choice, _effect(effect))
    return table


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return "not in the space"
    if effect.estimate is None:
        return "cannot be told yet"
    if effect.low is None or effect.high is None:
        return f"{effect.estimate:+.2f}"
    return f"{effect.estimate:+.2f} [{effect.low:+.2f}, {effect.high:+.2f}]"


def _runs_table(runs: Iterable[RunRecord]) -> Table:
    table = empty_table("trial >", "role", "state", "epochs >", "accuracy >", "parameters >", "plan")
    for run in runs:
        parameters = "" if run.parameters is None else f"{run.parameters:,}"
        plan = plain("…" if run.plan is None else str(run.plan))
        if run.reason:
            plan = Text("\n").join([plan, plain(run.reason, "dim")])
        epochs, accuracy = str(run.epoch), percent(run.value)
        add_row(table, str(run.slot), run.role, run.state, epochs, accuracy, parameters, plan)
    return table


def _add_site(table: Table, prepared: Prepared, name: str, site: Site) -> None:
    """One row for each choice; the site's name stands before the first one, its shape before the second."""
    conv = site_cost(site, CONV)
    costs = (f"{conv.parameters:,}", f"{conv.macs:,}", _mebibytes(prepared.task.training_bytes(conv)))
    add_row(table, name, "conv", *costs, "yes")
    first = _shape(site)
    for token in prepared.config.space.choices:
        add_row(table, first, token, *_choice_cells(prepared, name, token))
        first = ""
    table.add_section()


def _choice_cells(prepared: Prepared, site: str, token: str) -> tuple[str, str, str, str]:
    """What a choice adds at a site, and whether the search may choose it."""
    choice = Choice.parse(token)
    reason = why_not_buildable(prepared.survey, site, choice)
    if reason is not None:
        return ("", "", "", f"no: {reason}")
    extra = extra_cost(prepared.survey, site, choice)
    memory = _mebibytes(prepared.task.training_bytes(extra), "+")
    return (f"{extra.parameters:+,}", f"{extra.macs:+,}", memory, _in_the_space(prepared, site, token))


def _in_the_space(prepared: Prepared, site: str, token: str) -> str:
    if token in prepared.space.tokens.get(site, ()):
        return "yes"
    return f"no: {prepared.space.left_out.get(site, {}).get(token, 'space.sites leaves it out')}"


def _shape(site: Site) -> str:
    height, width = site.kernel_size
    y, x = site.output_size
    groups = f", {site.groups} groups" if site.groups > 1 else ""
    return f"{site.in_channels}→{site.out_channels} {height}x{width} at {y}x{x}{groups}"


def _mebibytes(number: float, sign: str = "") -> str:
    return f"{number / 2**20:{sign},.1f} MiB"
