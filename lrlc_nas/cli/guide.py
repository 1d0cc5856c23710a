"""The command that prints the manual."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..guide import TOPICS, read_topic, topic_title

__all__ = ["guide"]


def guide(topic: Annotated[str | None, typer.Argument(help="A topic; without it, the list of them.")] = None) -> None:
    """Print the manual, one topic at a time.

    Without a topic it lists them.

    Example: lrlc-nas guide confirm
    """
    if topic is None:
        width = max(map(len, TOPICS))
        typer.echo("\n".join(f"{name:{width}}  {topic_title(name)}" for name in TOPICS))
    elif sys.stdout.isatty():
        # Imported here, because Markdown takes as long as all else.
        from rich.console import Console
        from rich.markdown import Markdown

        console = Console()
        console.print(Markdown(read_topic(topic)), width=min(console.width, 100))
    else:
        typer.echo(read_topic(topic), nl=False)
