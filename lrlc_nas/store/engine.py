"""Engines that are safe for several processes, and the clock of the database."""

from __future__ import annotations

import copy
import os
import shutil
import sqlite3
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from ..errors import DiskError, StorageError
from .file_systems import is_on_network
from .url import shown, sqlite_path


__all__ = ["READING", "create_sqlite_file", "database_now", "engine_options", "harden", "make_engine"]

READING = "lrlc_nas_reading"
"""The execution option of connections that only read: they need not wait for a writer."""

_CLOCK = {
    # unixepoch('subsec') is NULL before SQLite 3.42.
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    # now() stands still inside a transaction.
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)",
    "mysql": "SELECT CAST(unix_timestamp(sysdate(6)) AS DOUBLE)",
}
_CLOCK["mariadb"] = _CLOCK["mysql"]

# Seconds until a server that does not answer is given up: when it is called, and (longer, because one transaction
# may wait for the locks of another) when it falls silent in the middle.
_CALL_SECONDS, _SILENCE_SECONDS = 5, 90
_OPTIONS: dict[str, dict[str, Any]] = {
    # Seconds that a writer waits for another one.
    "sqlite": {"connect_args": {"timeout": 60}},
    "postgresql": {
        "connect_args": {
            "connect_timeout": _CALL_SECONDS,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": _SILENCE_SECONDS * 1000,
        }
    },
    # Its default, REPEATABLE READ, locks gaps between rows, so that workers who never touch the same row deadlock.
    "mysql": {
        "connect_args": {
            "connect_timeout": _CALL_SECONDS,
            "read_timeout": _SILENCE_SECONDS,
            "write_timeout": _SILENCE_SECONDS,
        },
        "isolation_level": "READ COMMITTED",
    },
}
_OPTIONS["mariadb"] = _OPTIONS["mysql"]

# SQLITE_IOERR, also of a file that must not grow any more, and SQLITE_FULL.
_DISK_CODES = frozenset({10, 13})


def make_engine(url: URL) -> Engine:
    """Make an engine for our own tables."""
    return harden(create_engine(url, **engine_options(url)))


def engine_options(url: URL) -> dict[str, Any]:
    """Keyword arguments of `sqlalchemy.create_engine` for a storage URL; no server is waited for without end."""
    options = {"pool_pre_ping": True, **copy.deepcopy(_OPTIONS[url.get_backend_name()])}
    if url.get_dialect().driver == "psycopg":
        options["creator"] = partial(_connect_postgresql, url)
    return options


def harden(engine: Engine) -> Engine:
    """Make every SQLite transaction that may write take the write lock when it begins.

    A deferred transaction that first reads and then writes can be handed the same waiting run as another one:
    SELECT ... FOR UPDATE does nothing in SQLite. And a full disk becomes a `DiskError`.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _say_whether_disk)
        engine.dispose()  # connections that were pooled before the events were attached
    return engine


def database_now(connection: Connection) -> float:
    """Seconds since 1970 by the clock of the database, the only clock that all workers share.

    Raises:
        StorageError: if the database knows no time.
    """
    now = connection.execute(text(_CLOCK[connection.dialect.name])).scalar_one()
    if now is None:
        raise StorageError(
            f"storage {shown(connection.engine.url)}: the clock of the database tells no time, and claims go by it"
        )
    return float(now)


def create_sqlite_file(engine: Engine) -> None:
    """Create the file of a SQLite database, readable by its owner alone; a server needs nothing of the kind.

    Its readers and its writer do not wait for each other from then on: a write-ahead log is kept with the file, but
    not where other machines may write too.
    """
    path = sqlite_path(engine.url)
    if path is None:
        return
    # Only where there is none: whoever closes a file loses all locks that its process has on it, those of SQLite's
    # open connections too, and the next process to close it removes the log under them (sqlite.org/howtocorrupt).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = engine.raw_connection()
    pragma = f"PRAGMA journal_mode={'DELETE' if is_on_network(path) else 'WAL'}"
    try:
        connection.cursor().execute(pragma)
    except sqlite3.Error as error:
        raise _disk_error(engine.url, error) or OperationalError(pragma, None, error) from error
    finally:
        connection.close()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions by itself


def _connect_postgresql(url: URL) -> Any:
    from .read_timeout import connect  # its driver is there only where it is wanted

    arguments, keywords = url.get_dialect()().create_connect_args(url)
    return connect(_SILENCE_SECONDS, *arguments, **(keywords | _OPTIONS["postgresql"]["connect_args"]))


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _say_whether_disk(context: ExceptionContext) -> BaseException | None:
    """What SQLAlchemy raises in place of its own error; None: its own."""
    if context.engine is None:
        return None
    return _disk_error(context.engine.url, context.original_exception)


def _disk_error(url: URL, error: BaseException) -> DiskError | None:
    code, path = getattr(error, "sqlite_errorcode", None), sqlite_path(url)
    if code is None or code & 0xFF not in _DISK_CODES or path is None:
        return None
    try:
        free = f"{shutil.disk_usage(path.parent).free} bytes are free there"
    except OSError:
        free = "how many bytes are free there is not known"
    return DiskError(f"storage {shown(url)}: {error}: {path} could not be written, {free}")
