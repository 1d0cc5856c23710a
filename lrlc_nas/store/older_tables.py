"""Tables of older versions, read without changing them: through a copy in memory that is brought forward.

So whoever only reads meets present tables alone, of every database; whoever writes brings the real ones forward.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from .engine import READING
from .schema import bring_forward, has_tables, is_older

__all__ = ["ReadingEngine"]

_PREFIX = "nas_"
_BATCH = 5000


class ReadingEngine:
    """Gives whoever reads an engine on tables of the present version.

    Args:
        engine: the study database.

    Attributes:
        database: the same, for connections that only read.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.database = engine.execution_options(**{READING: True})
        self._lock = threading.Lock()
        self._is_present = False  # no database ever goes back
        self._copy: tuple[list[tuple[Any, ...]], sa.Engine] | None = None

    def engine(self) -> sa.Engine:
        """That of the database, or of a copy of older tables; a copy is made again when they have changed."""
        if self._is_present:
            return self.database
        with self._lock, self.database.connect() as connection:
            if not has_tables(connection):
                return self.database
            if not is_older(connection):
                self._is_present, self._copy = True, None
                return self.database
            state = list(_state(connection))
            if self._copy is None or self._copy[0] != state:
                self._copy = state, _engine_of(_copied(connection))
            return self._copy[1]


def _state(connection: sa.Connection) -> Iterator[tuple[Any, ...]]:
    """What changes with whatever a worker of an older version writes; these columns are in all versions."""
    sums = "SUM(attempt), SUM(epoch), SUM(done), COUNT(plan), SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END)"
    yield tuple(connection.execute(sa.text(f"SELECT {sums} FROM nas_run")).one())  # noqa: S608 - ours
    for name in _tables(connection):
        yield name, connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))


def _copied(source: sa.Connection) -> bytes:
    """An image of our tables in SQLite, brought forward."""
    memory = sa.create_engine("sqlite://", poolclass=StaticPool)
    with memory.begin() as target:
        for name in _tables(source):
            _copy_table(source, target, name)
        bring_forward(target)
    with memory.connect() as target:
        driver = target.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        image = driver.serialize()
    memory.dispose()
    return image


def _copy_table(source: sa.Connection, target: sa.Connection, name: str) -> None:
    """Rows alone: keys and indexes guard what is written, and nothing will be."""
    columns = [sa.Column(each["name"], _plain(each["type"])) for each in sa.inspect(source).get_columns(name)]
    sa.Table(name, sa.MetaData(), *columns).create(target)
    # Without types, so that a damaged row stays what it is.
    rows = sa.table(name, *(sa.column(each.name) for each in columns))
    found = source.execute(sa.select(rows)).mappings()
    while batch := found.fetchmany(_BATCH):
        target.execute(rows.insert(), [dict(row) for row in batch])


def _tables(connection: sa.Connection) -> list[str]:
    return sorted(name for name in sa.inspect(connection).get_table_names() if name.startswith(_PREFIX))


def _plain(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """What SQLite calls a type of another database."""
    if isinstance(kind, sa.Integer):
        return sa.Integer()
    return sa.Double() if isinstance(kind, sa.Float | sa.Numeric) else sa.Text()


def _engine_of(image: bytes) -> sa.Engine:
    """Each of its connections has the image to itself, so that none depends on how long another one is open."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(image)
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)
