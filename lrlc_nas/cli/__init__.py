"""The commands. Each checks its words, calls the room that does the work, and prints; no logic lives here.

Nothing heavy is imported before a command runs, so that `lrlc-nas --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import LrlcNasError
from .bench import bench
from .concluding import cards, challenge, confirm, export, open_test
from .guide import guide
from .looking import dashboard, list_studies, power, report, show
from .running import resume, sites, start, worker
from .saying import fail

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

for _command in (start, resume, show, report, dashboard, sites, power, confirm, challenge, cards, export, worker):
    app.command()(_command)
app.command("list")(list_studies)
app.command("test")(open_test)
app.add_typer(bench, name="bench")
app.command()(guide)

_UsageError: Any = typer.BadParameter.mro()[1]  # Typer exports its children alone


def main() -> None:
    """The entry point; the help of the command lists its exit codes."""
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="lrlc-nas", standalone_mode=False)
    except _UsageError as error:
        command = error.ctx.command_path if error.ctx else "lrlc-nas"
        fail(f"{error.format_message().rstrip('.')}; see '{command} --help'", 2)
    except LrlcNasError as error:
        fail(error, error.exit_code)
    except OSError as error:
        fail(error, 1)
    except Exception as error:
        if (told := _outage(error)) is None:
            raise
        fail(told, told.exit_code)
    raise SystemExit(code)


def _outage(error: Exception) -> LrlcNasError | None:
    """What to tell if the database has gone away in a moment that no room was prepared for."""
    if "sqlalchemy" not in sys.modules:
        return None
    from ..store import as_outage

    return as_outage(error)


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
