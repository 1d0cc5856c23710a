"""Engines that are safe for several processes, and the clock of the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL

from ..errors import StorageError
from .databases import DATABASES, READING, shown

__all__ = ["READING", "database_now", "engine_options", "harden", "make_engine"]


def make_engine(url: URL) -> Engine:
    """Make an engine for our own tables."""
    return harden(create_engine(url, **engine_options(url)))


def engine_options(url: URL) -> dict[str, Any]:
    """Keyword arguments of `sqlalchemy.create_engine` for a storage URL; no server is waited for without end."""
    return {"pool_pre_ping": True, **DATABASES[url.get_backend_name()].options(url)}


def harden(engine: Engine) -> Engine:
    """Make an engine safe for several processes: no two of them are handed the same waiting run."""
    DATABASES[engine.dialect.name].prepare(engine)
    return engine


def database_now(connection: Connection) -> float:
    """Seconds since 1970 by the clock of the database, the only clock that all workers share.

    Raises:
        StorageError: if the database knows no time.
    """
    now = connection.execute(text(DATABASES[connection.dialect.name].clock)).scalar_one()
    if now is None:
        raise StorageError(
            f"storage {shown(connection.engine.url)}: the clock of the database tells no time, and claims go by it"
        )
    return float(now)
