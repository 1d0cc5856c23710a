"""The commands. Each checks its words, calls the room that does the work, and prints; no logic lives here.

Nothing heavy is imported before a command runs, so that `lrlc-nas --help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import __version__
from .errors import InputError, LrlcNasError, StudyStoppedError


if TYPE_CHECKING:
    from .store import Store
    from .study import OpenStudy


__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Which convolutions of a network should stop sharing their kernel across positions, by how much?",
)

Storage = Annotated[
    str,
    typer.Option(envvar="LRLC_NAS_STORAGE", show_envvar=True, help="URL of the study database."),
]
Name = Annotated[str, typer.Argument(help="Name of the study.", show_default=False)]
File = Annotated[
    Path | None, typer.Argument(help="Study file (TOML); without it, the embedded study.", show_default=False)
]
Override = Annotated[
    list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a value of the study file.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, max=64, help="Local worker processes; default: one for each GPU, or one.", show_default=False
    ),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda or cuda:N; default: GPUs where there are any.", show_default=False),
]

_DEFAULT_STORAGE = "sqlite:///lrlc-nas.db"


@app.command()
def start(
    study_file: File = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.", show_default=False)] = None,
    overrides: Override = [],  # noqa: B006 - Typer reads the default and never changes it
    trials: Annotated[
        int | None, typer.Option(min=1, help="Total number of runs.", show_default=False)
    ] = None,
    storage: Storage = _DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Start a study and train until its budget is spent.

    Without a study file this is the embedded study: a few thousand Fashion-MNIST images that ship with the
    package, and a small network. Ctrl-C stops it; 'lrlc-nas resume' goes on.

    Example: lrlc-nas start studies/fashion-mnist.toml --set recipe.epochs=12 --workers 2
    """
    from .study import load_config, start_study

    words = list(overrides)
    if name is not None:
        words.append(f"name={_toml_string(name)}")
    if trials is not None:
        words.append(f"budget.trials={trials}")
    config = load_config(study_file, words)
    _require_device(device)
    study = start_study(_store(storage), config)
    _train(study, workers, device)


@app.command()
def resume(
    name: Name,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Raise the total number of runs to this.", show_default=False)
    ] = None,
    storage: Storage = _DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Go on with a study from the database alone.

    Unfinished runs continue from their last checkpoint, finished ones are not repeated. It refuses if the data,
    the host or the space are not those that the study recorded.

    Example: lrlc-nas resume embedded --trials 40
    """
    from .study import resume_study

    _require_device(device)
    study = resume_study(_store(storage), name, trials)
    _train(study, workers, device)


@app.command("list")
def list_studies(storage: Storage = _DEFAULT_STORAGE) -> None:
    """List the studies of the database.

    Example: lrlc-nas list --storage sqlite:///other.db
    """
    from .terminal import print_studies

    print_studies(_store(storage))


@app.command()
def show(name: Name, storage: Storage = _DEFAULT_STORAGE) -> None:
    """Show a study: its state, its effects and its runs.

    Example: lrlc-nas show embedded
    """
    from .terminal import print_study

    print_study(_store(storage), name)


@app.command()
def report(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="Where to write it; default: in this folder.", show_default=False
        ),
    ] = None,
    storage: Storage = _DEFAULT_STORAGE,
) -> None:
    """Write the report of a study: one HTML file that opens offline.

    Example: lrlc-nas report embedded -o embedded.html
    """
    from .report import write_report
    from .terminal import report_path

    path = report_path(name) if output is None else output
    write_report(_store(storage), name, path)
    typer.echo(path.absolute())


@app.command()
def dashboard(
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port on this machine.")] = 8080,
    storage: Storage = _DEFAULT_STORAGE,
) -> None:
    """Open Optuna's dashboard on the study database, for this machine alone and for reading alone.

    Example: lrlc-nas dashboard --port 8123
    """
    from .dashboard import serve

    store = _store(storage)
    if not store.names():
        raise InputError(f"no study in {store.shown}; 'lrlc-nas start' makes one")
    serve(store, port=port, ready=lambda url: typer.echo(f"{url} (Ctrl-C ends it)"))


@app.command()
def sites(study_file: File = None, overrides: Override = []) -> None:  # noqa: B006 - as above
    """Print, without training, the sites of a study's host and what each choice would cost there.

    Example: lrlc-nas sites studies/resnet18.toml
    """
    from .study import load_config, prepare
    from .terminal import print_sites

    print_sites(prepare(load_config(study_file, overrides)))


@app.command()
def export(
    name: Name,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A new or empty folder.", show_default=False)
    ],
    storage: Storage = _DEFAULT_STORAGE,
) -> None:
    """Write the best network of a study: its plan, its weights and a Python file that rebuilds it.

    Example: lrlc-nas export embedded -o best && python best/network.py
    """
    from .study import export_best

    done = export_best(_store(storage), name, output)
    typer.echo(f"trial {done.run.slot} ({done.run.plan}), weights after epoch {done.epochs}: {done.folder}")


@app.command()
def worker(
    name: Name,
    storage: Storage = _DEFAULT_STORAGE,
    device: Device = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch on the CPU.", show_default=False)
    ] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one worker of a study that was started elsewhere, for example on another machine.

    Example: lrlc-nas worker embedded --storage postgresql://me@host/studies --device cuda:0
    """
    from .launchers import run_worker, worker_devices
    from .study import open_study

    _require_device(device)
    study = open_study(_store(storage), name)
    run_worker(study, device=worker_devices(device, 1)[0], threads=threads, parent=parent)


def main() -> None:
    """The entry point.

    Exit codes: 0 done or politely stopped, 2 for what the user got wrong, 1 for the rest, 130 for a command cut
    short by Ctrl-C.
    """
    try:
        app(standalone_mode=True)
    except InputError as error:
        _fail(error, 2)
    except StudyStoppedError as error:
        _fail(error, 3 if sys.argv[1:2] == ["worker"] else 1)
    except (LrlcNasError, OSError) as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _fail(error: Exception, code: int) -> None:
    print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
    raise SystemExit(code) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lrlc-nas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _store(url: str) -> Store:
    from .store import Store

    return Store(url)


def _toml_string(text: str) -> str:
    import json

    return json.dumps(text)  # JSON strings are TOML strings


def _require_device(device: str | None) -> None:
    from .launchers import require_device

    if device is not None:
        require_device(device)


def _train(study: OpenStudy, workers: int | None, device: str | None) -> None:
    import shlex
    import signal

    from .launchers import LocalWorkers, default_workers, worker_devices
    from .study import catch_up
    from .terminal import Watcher, console, headline, print_end

    number = default_workers(device) if workers is None else workers
    out = console()
    out.print(headline(study, number), markup=False)
    watcher = Watcher(out, study.store, study.record)
    local = LocalWorkers(study.store, study.record, worker_devices(device, number))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        with watcher.watching():
            local.run(watcher.tick)
    except KeyboardInterrupt:
        out.print(f"stopped; 'lrlc-nas resume {shlex.quote(study.record.name)}' goes on", markup=False)
        if local.hurried:
            raise SystemExit(130) from None
        return
    finally:
        if not local.hurried:
            catch_up(study)
    print_end(out, study.store, study.record.name)
