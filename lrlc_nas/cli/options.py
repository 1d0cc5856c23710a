"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DEFAULT_STORAGE", "Device", "File", "Name", "Override", "Storage", "Task", "Workers", "Yes"]


def _without_password(context: typer.Context, parameter: typer.CallbackParam, url: str) -> str:
    """Everybody on a machine can read the command lines of its processes, for as long as they run."""
    source = context.get_parameter_source(parameter.name or "")
    if source is not None and source.name == "COMMANDLINE":
        from ..store import refuse_password

        refuse_password(url)
    return url


Storage = Annotated[
    str,
    typer.Option(
        envvar="LRLC_NAS_STORAGE",
        show_envvar=True,
        help="URL of the study database, without its password.",
        callback=_without_password,
    ),
]
Name = Annotated[str, typer.Argument(help="Name of the study.")]
File = Annotated[Path | None, typer.Argument(help="Study file (TOML); without it, the embedded study.")]
Task = Annotated[
    str | None,
    typer.Option(metavar="MODULE:NAME", help="A lrlc_nas.Task of your own: your network, your training, your metric."),
]
Override = Annotated[
    list[str], typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a value of the study file.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=64,
        help="Local worker processes; default: one for each GPU, or on the CPU one for each core, at most 4. "
        "0: train nothing here.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is written.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N; default: GPUs where there are any.")]

DEFAULT_STORAGE = "sqlite:///lrlc-nas.db"
