"""The lines of commands that need no tables."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

__all__ = ["fail", "say"]


def say(text: str) -> None:
    """Print lines in which names from the database may stand."""
    from .terminal import plain

    for line in text.split("\n"):
        typer.echo(plain(line).plain)


def fail(error: Exception | str, code: int) -> NoReturn:
    """Print an error as one line and end with an exit code."""
    line = " ".join(str(error).split())
    print(f"Error: {''.join(filter(str.isprintable, line))}", file=sys.stderr)
    raise SystemExit(code) from None
