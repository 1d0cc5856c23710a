"""The commands that look at studies and train nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .opening import open_store
from .options import DEFAULT_STORAGE, Name, Storage
from .saying import say

__all__ = ["dashboard", "list_studies", "power", "report", "show"]

MetricName = Annotated[
    str | None, typer.Option("--metric", metavar="NAME", help="What the values of a study of Optuna's own are.")
]


def list_studies(storage: Storage = DEFAULT_STORAGE) -> None:
    """List the studies of the database.

    Example: lrlc-nas list --storage sqlite:///other.db
    """
    from .terminal import print_studies

    print_studies(open_store(storage))


def show(name: Name, metric: MetricName = None, storage: Storage = DEFAULT_STORAGE) -> None:
    """Show a study: its state, its effects and its runs.

    A study of Optuna's own, whose parameters are sites with tokens as values, is shown as well.

    Example: lrlc-nas show embedded
    """
    from .terminal import print_reading, print_study

    store = open_store(storage)
    if store.is_optunas_alone(name):
        from ..report import read_study  # imports Optuna, which nothing else here does

        print_reading(read_study(store, name, metric=metric))
    else:
        print_study(store, name)


def report(
    name: Name,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Where to write it; default: in this folder.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the functions that the study names as its host or images.")
    ] = False,
    metric: MetricName = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write the report of a study: one HTML file that opens offline.

    What its trained networks show is in it too. Where the host or the images are a function, that needs --trust,
    because whoever writes to the database can name any.

    Example: lrlc-nas report embedded -o embedded.html
    """
    from ..report import write_report
    from .terminal import report_path

    path = report_path(name) if output is None else output
    write_report(open_store(storage), name, path, metric=metric, trusted=trust)
    say(str(path.absolute()))


def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on this machine; 0: any free one.")] = 8080,
    writable: Annotated[
        bool, typer.Option("--writable", help="Let notes be written on Optuna's pages; nothing else.")
    ] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Open live pages on the studies in a browser.

    They are the studies, their reports and their runs, kept up to date while workers train, with Optuna's dashboard
    beside them. It answers this machine alone, and there only whoever has the address that it prints, until Ctrl-C
    ends it.

    Example: lrlc-nas dashboard --port 8123
    """
    from ..dashboard import serve

    serve(open_store(storage), port=port, writable=writable, ready=lambda url: typer.echo(f"{url} (Ctrl-C ends it)"))


def power(
    name: Name,
    table: Annotated[bool, typer.Option("--table", help="Smallest visible effects for many numbers of seeds.")] = False,
    metric: MetricName = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Say what it takes to confirm the claims of a study.

    It is worth asking before anything more is spent. For each claim that its screening speaks for these are the seeds,
    runs and time with which a confirmation finds such an effect in 80 %. The spread over seeds is what the screening
    measured; the time is that of the study's own epochs.

    Example: lrlc-nas power embedded --table
    """
    from ..report.planning import study_power

    say(study_power(open_store(storage), name, metric, table=table))
