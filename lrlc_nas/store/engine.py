"""Engines that are safe for several processes, and the clock of the database."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from .url import sqlite_path


__all__ = ["create_private_file", "database_now", "engine_options", "harden", "make_engine"]

_CLOCK = {
    # unixepoch('subsec') is NULL before SQLite 3.42.
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    # now() stands still inside a transaction.
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)",
    "mysql": "SELECT CAST(unix_timestamp(sysdate(6)) AS DOUBLE)",
}
_CLOCK["mariadb"] = _CLOCK["mysql"]

_CONNECT_ARGUMENTS: dict[str, dict[str, Any]] = {
    # Seconds that a writer waits for another one.
    "sqlite": {"timeout": 60},
    # Seconds until a server that does not answer is given up.
    "postgresql": {"connect_timeout": 5},
    "mysql": {"connect_timeout": 5},
    "mariadb": {"connect_timeout": 5},
}


def make_engine(url: URL) -> Engine:
    """Make an engine for our own tables."""
    return harden(create_engine(url, **engine_options(url)))


def engine_options(url: URL) -> dict[str, Any]:
    """Keyword arguments of `sqlalchemy.create_engine` for a storage URL."""
    return {"pool_pre_ping": True, "connect_args": dict(_CONNECT_ARGUMENTS[url.get_backend_name()])}


def harden(engine: Engine) -> Engine:
    """Make every SQLite transaction take the write lock when it begins.

    A deferred transaction that first reads and then writes can be handed the same waiting run as another one:
    SELECT ... FOR UPDATE does nothing in SQLite.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        engine.dispose()  # connections that were pooled before the events were attached
    return engine


def database_now(connection: Connection) -> float:
    """Seconds since 1970 by the clock of the database, the only clock that all workers share."""
    return float(connection.execute(text(_CLOCK[connection.dialect.name])).scalar_one())


def create_private_file(url: URL) -> None:
    """Create the SQLite file, readable by its owner alone, if it does not exist."""
    path = sqlite_path(url)
    if path is not None and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions by itself
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
