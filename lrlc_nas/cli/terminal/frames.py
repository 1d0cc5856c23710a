"""Consoles and empty tables: what everything that is printed shares."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .words import plain

__all__ = ["add_row", "console", "empty_table"]


def console() -> Console:
    """Standard output; where it is no terminal, wide enough for tables that are read later."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)


def empty_table(*columns: str) -> Table:
    """A table; a name that ends with > makes a column of numbers. The last one wraps, those before it do not."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        name, numbers = column.removesuffix(" >"), column.endswith(" >")
        table.add_column(plain(name), justify="right" if numbers else "left", no_wrap=column != columns[-1])
    return table


def add_row(table: Table, *cells: str | Text) -> None:
    """Add a row; what is no `Text` is shown as it stands, without markup."""
    table.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in cells))
