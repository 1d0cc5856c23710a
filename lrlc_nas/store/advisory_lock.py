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
from .url import shown


__all__ = ["advisory_lock"]

_WAIT_SECONDS, _POLL_SECONDS = 60.0, 0.1

# Names of MySQL's locks are those of the whole server, of at most 64 characters; PostgreSQL's belong to a database.
_TAKE = {
    "postgresql": "SELECT pg_try_advisory_lock(hashtext('lrlc_nas tables'))",
    "mysql": "SELECT GET_LOCK(CONCAT('lrlc_nas ', MD5(DATABASE())), 0)",
}
_GIVE = {
    "postgresql": "SELECT pg_advisory_unlock(hashtext('lrlc_nas tables'))",
    "mysql": "SELECT RELEASE_LOCK(CONCAT('lrlc_nas ', MD5(DATABASE())))",
}
_TAKE["mariadb"], _GIVE["mariadb"] = _TAKE["mysql"], _GIVE["mysql"]


@contextmanager
def advisory_lock(engine: Engine) -> Iterator[None]:
    """Keep all others out of such a block on the same database; a server lets them in if this process dies.

    Raises:
        StorageError: if another process does not leave it for a minute.
    """
    if engine.dialect.name not in _TAKE:
        yield
        return
    # A connection of its own, because the lock is the connection's and what is made may take several.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _take(connection)
        try:
            yield
        finally:
            with suppress(DBAPIError):  # the connection is broken, and the lock went with it
                connection.execute(text(_GIVE[connection.dialect.name]))


def _take(connection: Connection) -> None:
    began = time.monotonic()
    while not connection.scalar(text(_TAKE[connection.dialect.name])):
        if time.monotonic() - began > _WAIT_SECONDS:
            raise StorageError(
                f"storage {shown(connection.engine.url)}: another process has been making its tables for "
                f"{_WAIT_SECONDS:.0f} s"
            )
        time.sleep(_POLL_SECONDS)
