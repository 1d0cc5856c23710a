"""One process at a time, on servers: whoever makes tables there, or changes them, is the only one that does.

A SQLite file needs nothing of the kind: tables are made in one transaction there, which holds the file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from ..errors import StorageError
from .databases import DATABASES, shown

__all__ = ["advisory_lock"]

_WAIT_SECONDS, _POLL_SECONDS = 60.0, 0.1


@contextmanager
def advisory_lock(engine: Engine) -> Iterator[None]:
    """Keep all others out of such a block on the same database; a server lets them in if this process dies.

    Raises:
        StorageError: if another process does not leave it for a minute.
    """
    lock = DATABASES[engine.dialect.name].lock
    if lock is None:
        yield
        return
    take, give = lock
    # A connection of its own, because the lock is the connection's and what is made may take several.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _take(connection, take)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # the connection is broken, and the lock went with it
                connection.execute(text(give))


def _take(connection: Connection, take: str) -> None:
    began = time.monotonic()
    while not connection.scalar(text(take)):
        if time.monotonic() - began > _WAIT_SECONDS:
            raise StorageError(
                f"storage {shown(connection.engine.url)}: another process has been making its tables for "
                f"{_WAIT_SECONDS:.0f} s"
            )
        time.sleep(_POLL_SECONDS)
