"""The numbers behind a figure, as a table that the page offers as a CSV file."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Cell", "Table", "harmless_cell", "table"]

Cell = str | int | float | None
"""What stands in a table; None where there is no number."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class Table:
    """Rows under named columns, one cell for each, with numbers as they were computed."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def csv(self) -> str:
        """The table as CSV; an empty cell is a number that is not there, and no text is a formula."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(map(harmless_cell, self.columns))
        writer.writerows([[harmless_cell(cell) for cell in row] for row in self.rows])
        return text.getvalue()

    @property
    def address(self) -> str:
        """The CSV file as a ``data:`` address, which needs no network and no script."""
        return "data:text/csv;charset=utf-8;base64," + base64.b64encode(self.csv.encode()).decode()


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Make a table."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))


def harmless_cell(cell: Cell) -> Cell:
    """The cell, with an apostrophe before a text that spreadsheets would run as a formula; names come from anywhere.

    Reference: OWASP, "CSV injection".
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
