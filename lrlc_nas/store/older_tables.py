"""Tables of older versions, read without changing them: through a copy in memory that is brought forward.

So whoever only reads meets present tables alone, of every database; whoever writes brings the real ones forward.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Double,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    column,
    create_engine,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.pool import NullPool, StaticPool
from sqlalchemy.types import Float, Numeric, TypeEngine

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

    def __init__(self, engine: Engine) -> None:
        self.database = engine.execution_options(**{READING: True})
        self._lock = threading.Lock()
        self._is_present = False  # no database ever goes back
        self._copy: tuple[list[tuple[Any, ...]], Engine] | None = None

    def engine(self) -> Engine:
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


def _state(connection: Connection) -> Iterator[tuple[Any, ...]]:
    """What changes with whatever a worker of an older version writes; these columns are in all versions."""
    run = table("nas_run", *map(column, ("attempt", "epoch", "done", "plan", "state")))
    sums = map(func.sum, (run.c.attempt, run.c.epoch, run.c.done))
    running = select(func.count()).where(run.c.state == "running").scalar_subquery()
    yield tuple(connection.execute(select(*sums, func.count(run.c.plan), running)).one())
    for name in _tables(connection):
        yield name, connection.scalar(select(func.count()).select_from(table(name)))


def _copied(source: Connection) -> bytes:
    """An image of our tables in SQLite, brought forward."""
    memory = create_engine("sqlite://", poolclass=StaticPool)
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


def _copy_table(source: Connection, target: Connection, name: str) -> None:
    """Rows alone: keys and indexes guard what is written, and nothing will be."""
    columns = [Column(each["name"], _plain(each["type"])) for each in inspect(source).get_columns(name)]
    Table(name, MetaData(), *columns).create(target)
    # Without types, so that a damaged row stays what it is.
    rows = table(name, *(column(each.name) for each in columns))
    found = source.execute(select(rows)).mappings()
    while batch := found.fetchmany(_BATCH):
        target.execute(rows.insert(), [dict(row) for row in batch])


def _tables(connection: Connection) -> list[str]:
    return sorted(name for name in inspect(connection).get_table_names() if name.startswith(_PREFIX))


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """What SQLite calls a type of another database."""
    if isinstance(kind, Integer):
        return Integer()
    return Double() if isinstance(kind, Float | Numeric) else Text()


def _engine_of(image: bytes) -> Engine:
    """Each of its connections has the image to itself, so that none depends on how long another one is open."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.deserialize(image)
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)
