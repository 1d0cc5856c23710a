"""The studies of a database in the terminal, a line each."""

from __future__ import annotations

from ...engine import study_bytes
from ...errors import InputError
from ...search import best_run
from ...store import Store
from .frames import add_row, console, empty_table
from .words import mebibytes, plain

__all__ = ["print_studies"]


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


def _study_cells(store: Store, name: str) -> tuple[str, ...]:
    study = store.study(name)
    config = study.config
    runs = store.runs(study)
    ended = f"{sum(run.finished is not None for run in runs)}/{len(runs)}"
    best = best_run(runs, study.metric)
    value = "" if best is None or best.value is None else study.metric.named(best.value)
    disk = mebibytes(study_bytes(store, study))
    created = f"{study.created:%Y-%m-%d %H:%M}"
    return (name, config.host_name, config.data_name, ended, value, disk, created)
