"""What a table that the page prints is: one record with its columns, its rows, its note and its Python call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...config import Metric
from ..reading import Reading

__all__ = ["PrintedTable", "Shown", "shown"]

Row = TypeVar("Row")
"""What one line of a table tells of."""


@dataclass(frozen=True)
class PrintedTable(Generic[Row]):
    """A table of the page.

    Attributes:
        key: fixed; the id of its element.
        title: what it lists, in a manual.
        columns: from left to right, what stands at the head to the classes of the cells; a field of the first ``row``
            in braces, or one of the ``metric``, stands for its value.
        rows: of a reading; without any, the page has no such table.
        cells: the text of a row, one for each column, in digits of the metric.
        call: gives its numbers from Python, with ``report`` and ``reading`` at hand.
        note: below it, likewise with the metric; `markupsafe.Markup` where it holds HTML.
        css: classes of a row.
        whole: whether it is never cut to a window that scrolls.
    """

    key: str
    title: str
    columns: Mapping[str, str]
    rows: Callable[[Reading], Sequence[Row]]
    cells: Callable[[Row, Metric], tuple[str, ...]]
    call: str
    note: str = ""
    css: Callable[[Row], str] = lambda row: ""
    whole: bool = False


@dataclass(frozen=True)
class Shown:
    """A table, its note, (title, classes of the cells) of its columns, (classes of the row, its cells) of its rows."""

    table: PrintedTable[Any]
    note: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def shown(table: PrintedTable[Row], reading: Reading) -> Shown:
    """Fill a table from a reading."""
    rows, metric = table.rows(reading), reading.metric
    return Shown(
        table,
        table.note.format(metric=metric),
        tuple((title.format(row=rows[0], metric=metric), css) for title, css in table.columns.items()) if rows else (),
        tuple((table.css(row), table.cells(row, metric)) for row in rows),
    )
