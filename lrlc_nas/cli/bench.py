"""The commands that measure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["bench"]

bench = typer.Typer(
    rich_markup_mode=None,
    help="""Measure speed, on this machine.

    Example: lrlc-nas bench layers --quick
    """,
)


@bench.command()
def layers(
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:N; default: a GPU where there is one.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all records there.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The reference size, two ranks, few rounds.")] = False,
    sizes: Annotated[
        list[str],
        typer.Option("--size", metavar="KEY=N,...", help="C, F, kernel, input, B, padding, groups; may be repeated."),
    ] = [],  # noqa: B006 - Typer reads the default and never changes it
    layout: Annotated[str | None, typer.Option(help="Of maps in memory: nchw, channels_last or both.")] = None,
) -> None:
    """Compare the layers with convolutions and with the usual code.

    It times forward and backward passes, measures the peak memory, and ends with the targets of this project.
    All of it takes about half an hour on two CPU cores, --quick about one minute.

    Example: lrlc-nas bench layers --size C=32,F=32 --json speed.json
    """
    from ..benchmarks import Request, run_layers

    request = Request.of(device=device, json=json_file, quick=quick, sizes=sizes, layout=layout)
    run_layers(request, typer.echo)
