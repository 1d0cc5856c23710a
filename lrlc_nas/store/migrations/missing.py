"""What migrations make, made only where it is missing.

MySQL commits each statement that makes something by itself, and the version of the tables is written after it. So
whoever was killed between the two leaves tables, columns and indexes that the same migration meets again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem


__all__ = ["add_column", "create_index", "create_table"]


def create_table(name: str, *items: SchemaItem) -> None:
    """Create a table unless there is one of this name."""
    if not sa.inspect(op.get_bind()).has_table(name):
        op.create_table(name, *items)


def create_index(name: str, table: str, columns: list[str]) -> None:
    """Create an index unless the table has one of this name."""
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)


def add_column(table: str, column: sa.Column[int]) -> None:
    """Add a column unless the table has one of this name."""
    if column.name not in {there["name"] for there in sa.inspect(op.get_bind()).get_columns(table)}:
        op.add_column(table, column)
