"""Tables for the terminal. Names of studies, sites and choices are shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..choices import CONV, Choice
from ..evidence import Effect, Screening, screen
from ..relax import Site, site_cost
from ..store import RunRecord, Store
from ..study import Prepared, StudyConfig, extra_cost


__all__ = ["console", "effects_table", "percent", "print_sites", "print_studies", "print_study"]


def console() -> Console:
    """A console that never wraps table cells into nonsense when the output is a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)


def percent(fraction: float | None) -> str:
    """A fraction as percent; empty for None."""
    return "" if fraction is None else f"{100 * fraction:.2f} %"


def print_studies(store: Store) -> None:
    """Print the studies of a database, one row each."""
    names = store.names()
    out = console()
    if not names:
        out.print(f"no study in {store.shown}; 'lrlc-nas start' makes one", markup=False)
        return
    table = _table("study", "host", "data", ("ended", "right"), ("best", "right"), "created")
    for name in names:
        study = store.study(name)
        config = StudyConfig.from_json(study.config)
        runs = store.runs(study)
        ended = sum(run.finished is not None for run in runs)
        best = screen(study, runs).best
        _add(
            table,
            name,
            config.host.name,
            config.data.name,
            f"{ended}/{study.trials}",
            percent(best.value if best else None),
            f"{study.created:%Y-%m-%d %H:%M} UTC",
        )
    out.print(table)


def print_study(store: Store, name: str) -> None:
    """Print the state, the effects and the runs of a study."""
    study = store.study(name)
    runs = store.runs(study)
    config = StudyConfig.from_json(study.config)
    counts = ", ".join(f"{number} {state}" for state, number in sorted(store.counts(study).items()))
    out = console()
    out.print(
        f"{name}: {config.host.name} on {config.data.name}; {study.trials} runs: {counts}", markup=False
    )
    out.print(effects_table(screen(study, runs)))
    out.print(_runs_table(runs))


def effects_table(screening: Screening) -> Table:
    """Site by choice: the effect against ``conv`` in points, with its 95 % interval."""
    choices = sorted(
        {effect.choice for effect in screening.effects}, key=lambda t: Choice.parse(t).relaxation
    )
    cells = {(effect.site, effect.choice): effect for effect in screening.effects}
    table = _table("site", *((choice, "right") for choice in choices))
    table.title = "effect against conv, points of search accuracy [95 % interval] (screening)"
    for site in dict.fromkeys(effect.site for effect in screening.effects):
        _add(table, site, *(_effect(cells.get((site, choice))) for choice in choices))
    return table


def print_sites(prepared: Prepared) -> None:
    """Print each site, what each choice would add there, and what is no site and why."""
    out = console()
    host = prepared.host
    batch = prepared.config.recipe.batch_size
    out.print(
        f"{prepared.config.host.name}: {host.parameters:,} parameters, {host.macs:,} MACs per image, "
        f"{_megabytes(host.training_bytes(batch))} to train at batch {batch}; the space holds "
        f"{prepared.space.size:,} plans",
        markup=False,
    )
    table = _table(
        "site",
        "shape",
        "choice",
        ("parameters", "right"),
        ("MACs", "right"),
        ("memory", "right"),
        "in the space",
    )
    for name, site in prepared.survey.sites.items():
        _add_site(table, prepared, name, site)
    out.print(table)
    for name, reason in prepared.survey.refused.items():
        out.print(f"not a site: {name}: {reason}", markup=False)


def _add_site(table: Table, prepared: Prepared, name: str, site: Site) -> None:
    batch = prepared.config.recipe.batch_size
    conv = site_cost(site, CONV)
    first = (name, _shape(site), "conv", f"{conv.parameters:,}", f"{conv.macs:,}")
    _add(table, *first, _megabytes(conv.training_bytes(batch)), "yes")
    for token in prepared.config.space.choices:
        extra = extra_cost(site, Choice.parse(token))
        why = prepared.space.left_out.get(name, {}).get(token)
        inside = (
            "yes" if token in prepared.space.tokens.get(name, ()) else f"no: {why or 'not matched by sites'}"
        )
        costs = (f"{extra.parameters:+,}", f"{extra.macs:+,}", _megabytes(extra.training_bytes(batch), "+"))
        _add(table, "", "", token, *costs, inside)


def _shape(site: Site) -> str:
    height, width = site.kernel_size
    y, x = site.output_size
    groups = f", {site.groups} groups" if site.groups > 1 else ""
    return f"{site.in_channels}→{site.out_channels} {height}x{width} at {y}x{x}{groups}"


def _runs_table(runs: Iterable[RunRecord]) -> Table:
    table = _table(
        ("trial", "right"), "role", "plan", ("seed", "right"), "state", ("epochs", "right"), ("accuracy", "right"),
        ("parameters", "right"), "reason",
    )  # fmt: skip
    for run in runs:
        parameters = "" if run.parameters is None else f"{run.parameters:,}"
        plan = "…" if run.plan is None else str(run.plan)
        row = (str(run.slot), run.role, plan, str(run.seed), run.state, str(run.epoch))
        _add(table, *row, percent(run.value), parameters, run.reason)
    return table


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return "not in the space"
    if effect.estimate is None:
        return "cannot be told yet"
    if effect.low is None or effect.high is None:
        return f"{effect.estimate:+.2f}"
    return f"{effect.estimate:+.2f} [{effect.low:+.2f}, {effect.high:+.2f}]"


def _megabytes(number: float, sign: str = "") -> str:
    return f"{number / 2**20:{sign},.1f} MiB"


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(title_justify="left", title_style="")
    for column in columns:
        name, justify = (column, "left") if isinstance(column, str) else column
        table.add_column(Text(name), justify="right" if justify == "right" else "left")
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))
