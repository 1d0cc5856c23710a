"""What migrations make, made only where it is missing, and what they rename or drop, only where it is still there.

MySQL commits each statement that makes something by itself, and the version of the tables is written after it. So
whoever was killed between the two leaves tables, columns and indexes that the same migration meets again.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

__all__ = [
    "add_column",
    "create_index",
    "create_table",
    "drop_index",
    "has_column",
    "has_table",
    "rename_column",
    "rename_table",
]


def has_table(name: str) -> bool:
    """Whether there is a table of this name."""
    return sa.inspect(op.get_bind()).has_table(name)


def has_column(table: str, name: str) -> bool:
    """Whether there is a table with such a column."""
    return has_table(table) and name in {there["name"] for there in sa.inspect(op.get_bind()).get_columns(table)}


def create_table(name: str, *items: SchemaItem) -> None:
    """Create a table unless there is one of this name."""
    if not has_table(name):
        op.create_table(name, *items)


def create_index(name: str, table: str, columns: list[str], *, unique: bool = False) -> None:
    """Create an index unless the table has one of this name."""
    if name not in {index["name"] for index in _indexes(table)}:
        op.create_index(name, table, columns, unique=unique)


def drop_index(name: str, table: str, columns: list[str]) -> None:
    """Drop an index of just these columns, if it is there."""
    if any(index["name"] == name and index["column_names"] == columns for index in _indexes(table)):
        op.drop_index(name, table)


def add_column(table: str, column: sa.Column[Any]) -> None:
    """Add a column unless the table has one of this name."""
    if not has_column(table, column.name):
        op.add_column(table, column)


def rename_table(old: str, new: str) -> None:
    """Rename a table unless that is done."""
    if has_table(old):
        op.rename_table(old, new)


def rename_column(table: str, old: str, new: str) -> None:
    """Rename a column unless that is done; every database that is supported knows this statement."""
    if has_column(table, old):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")


def _indexes(table: str) -> list[Any]:
    return list(sa.inspect(op.get_bind()).get_indexes(table))
