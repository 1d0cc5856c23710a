"""What a table that the page prints is: one record with its columns, its rows, its note and its Python call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..reading import Reading

__all__ = ["Column", "PrintedTable", "Shown", "shown"]

Row = TypeVar("Row")
"""A record of text, one field for each column."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: at its head; a field of the first row in braces stands for its value.
        field: of the row.
        css: classes of its cells.
    """

    title: str
    field: str
    css: str = ""


@dataclass(frozen=True)
class PrintedTable(Generic[Row]):
    """A table of the page.

    Attributes:
        key: fixed; the id of its element.
        title: what it lists, in a manual.
        columns: from left to right.
        rows: of a reading; without any, the page has no such table.
        call: gives its numbers from Python, with ``report`` and ``reading`` at hand.
        note: below it; `markupsafe.Markup` where it holds HTML.
        css: classes of a row.
        whole: whether it is never cut to a window that scrolls.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[Reading], Sequence[Row]]
    call: str
    note: str = ""
    css: Callable[[Row], str] = lambda row: ""
    whole: bool = False


@dataclass(frozen=True)
class Shown:
    """A table with its rows.

    Attributes:
        table: what it is.
        titles: of its columns.
        rows: (classes of the row, the row).
    """

    table: PrintedTable[Any]
    titles: tuple[str, ...]
    rows: tuple[tuple[str, Any], ...]


def shown(table: PrintedTable[Row], reading: Reading) -> Shown:
    """Fill a table from a reading."""
    rows = table.rows(reading)
    first = vars(rows[0]) if rows else {}
    return Shown(
        table,
        tuple(column.title.format(**first) for column in table.columns) if rows else (),
        tuple((table.css(row), row) for row in rows),
    )
