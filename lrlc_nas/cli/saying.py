"""The lines of commands that need no tables."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

__all__ = ["agreed", "fail", "say"]


def say(text: str) -> None:
    """Print lines in which names from the database may stand."""
    from .terminal import plain

    for line in text.split("\n"):
        typer.echo(plain(line).plain)


def agreed(yes: bool) -> bool:
    """Whether to go on: asked of whoever sits at a terminal, unless they have said so."""
    return yes or not (sys.stdin.isatty() and sys.stdout.isatty()) or typer.confirm("go on?", default=True)


def fail(error: Exception | str, code: int) -> NoReturn:
    """Print an error as one line and end with an exit code."""
    line = " ".join(str(error).split())
    print(f"Error: {''.join(filter(str.isprintable, line))}", file=sys.stderr)
    raise SystemExit(code) from None
