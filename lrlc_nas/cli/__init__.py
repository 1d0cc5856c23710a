"""The commands. Each checks its words, calls the room that does the work, and prints; no logic lives here.

Nothing heavy is imported before a command runs, so that `lrlc-nas --help` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from .. import __version__
from ..errors import LrlcNasError, StudyStoppedError
from .bench import bench
from .options import DEFAULT_STORAGE, Device, File, Name, Override, Storage, Workers
from .training import storage_option, train


if TYPE_CHECKING:
    from ..store import Store


__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help fits any terminal
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Which convolutions of a network should stop sharing their kernel across positions, by how much?",
    epilog=(
        "Exit codes: 0 done or politely stopped, 2 refused input, 69 database away for longer than workers wait, "
        "74 disk full, 75 GPU lost, 130 cut short by Ctrl-C, 1 any other end."
    ),
)

app.add_typer(bench, name="bench")

_UsageError: Any = typer.BadParameter.mro()[1]  # Typer exports its children alone


@app.command()
def start(
    study_file: File = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.", show_default=False)] = None,
    overrides: Override = [],  # noqa: B006 - Typer reads the default and never changes it
    trials: Annotated[
        int | None, typer.Option(min=1, help="Total number of runs.", show_default=False)
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="best|all",
            help="Which complete runs keep their checkpoint: those that are needed later, or all.",
            show_default=False,
        ),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Start a study and train until its budget is spent.

    Without a study file this is the embedded study: a few thousand images of Fashion-MNIST that ship with the
    package, and a small network. Ctrl-C stops it; 'lrlc-nas resume' goes on.

    Example: lrlc-nas start study.toml --set recipe.epochs=12 --workers 2
    """
    from ..study import load_config, shortage, start_study

    named = [] if name is None else [f"name={_toml_string(name)}"]
    limited = [] if trials is None else [f"budget.trials={trials}"]
    kept = [] if keep is None else [f"files.keep={_toml_string(keep)}"]
    config = load_config(study_file, [*overrides, *named, *limited, *kept])
    _require_device(device)
    study = start_study(_working_store(storage, workers, device), config)
    if note := shortage(study.prepared.config, study.prepared.space):
        _say(note)
    train(study, workers, device, storage)


@app.command()
def resume(
    name: Name,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Raise the total number of runs to this.", show_default=False)
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Go on with a study from the database alone.

    Unfinished runs continue from their last checkpoint, finished ones are not repeated.
    It refuses if the data, the host or the space are not those that the study recorded.

    Example: lrlc-nas resume embedded --trials 40
    """
    from ..study import resume_study

    _require_device(device)
    study = resume_study(_working_store(storage, workers, device), name, trials)
    train(study, workers, device, storage)


@app.command("list")
def list_studies(storage: Storage = DEFAULT_STORAGE) -> None:
    """List the studies of the database.

    Example: lrlc-nas list --storage sqlite:///other.db
    """
    from ..terminal import print_studies

    print_studies(_store(storage))


@app.command()
def show(name: Name, storage: Storage = DEFAULT_STORAGE) -> None:
    """Show a study: its state, its effects and its runs.

    Example: lrlc-nas show embedded
    """
    from ..terminal import print_study

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
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Run the functions that the study names as its host or images."),
    ] = False,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write the report of a study: one HTML file that opens offline.

    What its trained networks show is in it too. Where the host or the images are a function, that needs --trust,
    because whoever writes to the database can name any.

    Example: lrlc-nas report embedded -o embedded.html
    """
    from ..report import write_report
    from ..terminal import report_path

    path = report_path(name) if output is None else output
    write_report(_store(storage), name, path, trusted=trust)
    _say(str(path.absolute()))


@app.command()
def dashboard(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port on this machine; 0: any free one.")
    ] = 8080,
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

    serve(
        _store(storage), port=port, writable=writable, ready=lambda url: typer.echo(f"{url} (Ctrl-C ends it)")
    )


@app.command()
def sites(study_file: File = None, overrides: Override = []) -> None:  # noqa: B006 - as above
    """Print the sites of a study's host and the cost of each choice.

    It trains nothing and writes nothing. For each choice at each site it prints the parameters, the MACs and
    the memory that it would add; and for each other convolution, why it cannot be relaxed.

    Example: lrlc-nas sites studies/resnet18.toml
    """
    from ..study import load_config, prepare
    from ..terminal import print_sites

    print_sites(prepare(load_config(study_file, overrides)))


@app.command()
def power(name: Name, storage: Storage = DEFAULT_STORAGE) -> None:
    """Say which effects a study can see.

    Worth asking before anything more is spent.
    The spread over seeds comes from the repeats of the untouched host.

    Example: lrlc-nas power embedded
    """
    from ..evidence.planning import study_power

    _say(study_power(_store(storage), name))


@app.command()
def confirm(
    name: Name,
    site: Annotated[
        list[str], typer.Option(help="A site to claim a --choice at; may be repeated.", show_default=False)
    ] = [],  # noqa: B006 - as above
    choice: Annotated[
        list[str], typer.Option(help="A choice to claim at each --site.", show_default=False)
    ] = [],  # noqa: B006 - as above
    plan: Annotated[
        list[str],
        typer.Option(metavar="SITE=CHOICE,...", help="A whole plan to claim.", show_default=False),
    ] = [],  # noqa: B006 - as above
    seeds: Annotated[
        int | None,
        typer.Option(min=2, max=1000, help="Seeds for each arm in all; default: 5.", show_default=False),
    ] = None,
    smallest_effect: Annotated[
        float | None,
        typer.Option(help="In points; what is smaller does not matter. Default: 0.3.", show_default=False),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Test the claims of a study on fresh seeds.

    Without claims these are its best few cells and its best plan. Each is trained beside the untouched host and
    the controls that may explain it, and scored on images that the search never saw. Ctrl-C stops it; the same
    command goes on; a larger --seeds adds seeds later.

    Example: lrlc-nas confirm embedded --site conv3 --choice lc --seeds 8
    """
    from ..evidence.claims import named_claims
    from ..evidence.confirming import confirmation_to_run
    from ..launchers import worker_devices

    _require_device(device)
    claims = named_claims(site, choice, plan)
    study = confirmation_to_run(
        _working_store(storage, workers, device),
        name,
        claims,
        seeds=seeds,
        smallest_effect=smallest_effect,
        device=worker_devices(device, 1)[0],
    )
    train(study, workers, device, storage)


@app.command("test")
def open_test(
    name: Name,
    again: Annotated[
        bool, typer.Option("--again", help="Open the test images although they were read before.")
    ] = False,
    storage: Storage = DEFAULT_STORAGE,
    device: Device = None,
) -> None:
    """Open the sealed test images, on record.

    They are read for the confirmed claims alone.
    Each opening is recorded in the study before an image is read, and every report shows how many there were.

    Example: lrlc-nas test embedded
    """
    from ..evidence.confirming import measure_sealed
    from ..launchers import worker_devices
    from ..terminal import console, print_tested

    _require_device(device)
    store = _store(storage)
    look = measure_sealed(store, name, device=worker_devices(device, 1)[0], again=again)
    print_tested(console(), store, name, look, storage_option(storage))


@app.command()
def cards(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder.", show_default=False)],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write a card for each claim of a study.

    It holds all that the claim rests on, as Markdown and as JSON.

    Example: lrlc-nas cards embedded -o cards
    """
    from ..terminal import write_cards

    for path in write_cards(_store(storage), name, output):
        _say(str(path))


@app.command()
def export(
    name: Name,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A new or empty folder.", show_default=False)
    ],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write the best network of a study to a folder.

    The folder holds its plan, its weights and a Python file that rebuilds it.

    Example: lrlc-nas export embedded -o best && python best/network.py
    """
    from ..study import export_best

    done = export_best(_store(storage), name, output)
    _say(f"trial {done.run.slot} ({done.run.plan}), weights after epoch {done.epochs}: {done.folder}")


@app.command()
def worker(
    name: Name,
    storage: Storage = DEFAULT_STORAGE,
    device: Device = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch on the CPU.", show_default=False)
    ] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one worker of a study that was started elsewhere.

    For example on another machine: 'start' and 'resume' run the workers of this one by themselves.

    Example: lrlc-nas worker embedded --storage postgresql://me@host/studies --device cuda:0
    """
    from ..stopping import Stop

    stop = Stop()
    stop.listen(parent)
    from ..launchers import STUDY_STOPPED, run_worker, worker_devices
    from ..study import open_study

    _require_device(device)
    # Those of a supervisor were counted when it started.
    store = _working_store(storage, 1) if parent is None else _store(storage)
    # A supervisor replaces workers during an outage too; somebody who starts one is told at once.
    study = open_study(store if parent is None else store.patient(), name)
    try:
        run_worker(study, device=worker_devices(device, 1)[0], threads=threads, stop=stop)
    except StudyStoppedError as error:
        _fail(error, error.exit_code if parent is None else STUDY_STOPPED)


def main() -> None:
    """The entry point.

    Exit codes: 0 done or politely stopped, 2 for what the user got wrong, 69 for a database that does not answer for
    longer than workers wait, 74 for a full disk, 75 for a GPU that is lost, 130 for a command
    cut short by Ctrl-C, 1 for the rest.
    """
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="lrlc-nas", standalone_mode=False)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "lrlc-nas"
        _fail(f"{error.format_message().rstrip('.')}; see '{command} --help'", 2)
    except LrlcNasError as error:
        _fail(error, error.exit_code)
    except OSError as error:
        _fail(error, 1)
    except Exception as error:
        if (told := _outage(error)) is None:
            raise
        _fail(told, told.exit_code)
    raise SystemExit(code)


def _outage(error: Exception) -> LrlcNasError | None:
    """What to tell if the database has gone away in a moment that no room was prepared for."""
    if "sqlalchemy" not in sys.modules:
        return None
    from ..store import as_outage

    return as_outage(error)


def _fail(error: Exception | str, code: int) -> NoReturn:
    line = " ".join(str(error).split())
    print(f"Error: {''.join(filter(str.isprintable, line))}", file=sys.stderr)
    raise SystemExit(code) from None


def _say(text: str) -> None:
    """Print lines in which names from the database may stand."""
    from ..terminal import plain

    for line in text.split("\n"):
        typer.echo(plain(line).plain)


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
    from ..store import Store

    return Store(url)


def _working_store(url: str, workers: int | None, device: str | None) -> Store:
    """The database, if it bears so many workers, or the usual number of them on a device."""
    from ..launchers import default_workers
    from ..store import require_bearable

    store = _store(url)
    require_bearable(store, default_workers(device) if workers is None else workers)
    return store


def _toml_string(text: str) -> str:
    import json

    return json.dumps(text)  # JSON strings are TOML strings


def _require_device(device: str | None) -> None:
    from ..launchers import require_device

    if device is not None:
        require_device(device)
