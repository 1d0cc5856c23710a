"""What one SQLite file can bear: the workers of one machine, and not too many of them. A server bears more."""

from __future__ import annotations

import math

from sqlalchemy import Connection, select

from ..errors import StorageError
from .databases import sqlite_path
from .engine import database_now
from .models import RunRow
from .studies import Store
from .worker_id import host_of, is_dead, is_elsewhere, this_host

__all__ = ["MOST_WORKERS", "require_bearable", "require_one_machine"]

MOST_WORKERS = 16
"""How many worker processes may share a SQLite file: they write one after the other."""

_SERVER = "with PostgreSQL (--storage postgresql://USER@HOST/DATABASE)"


def require_bearable(store: Store, workers: int) -> None:
    """Refuse workers that a SQLite file does not bear, before anything is written.

    Args:
        store: the study database.
        workers: how many this machine is about to start.

    Raises:
        StorageError: if they and those at work are too many, or those of another machine are at work in this file.
    """
    if store.path is None:
        return
    _require_few(store, workers, f"got {workers}")
    if store.exists():
        with store.answering(), store.reading.connect() as connection:
            require_one_machine(connection, store.shown)
            there = {worker for worker, _ in _holders(connection) if not is_dead(worker)}
        if workers:  # who trains nothing here may raise a total
            words = f"{len(there)} hold runs in it, and {workers} more are wanted"
            _require_few(store, workers + len(there), words)


def require_one_machine(connection: Connection, shown: str) -> None:
    """Refuse a SQLite file in which workers of another machine hold runs; on servers nothing is asked.

    Locks of files do not hold between machines, whose writes would destroy each other's.

    Args:
        connection: to the database.
        shown: the storage URL as it may be shown.

    Raises:
        StorageError: if there are such workers; it says until when.
    """
    if sqlite_path(connection.engine.url) is None:
        return
    for worker, seconds in _holders(connection):
        if is_elsewhere(worker):
            host = host_of(worker)
            here = this_host() if host != this_host() else "another of this name, or it was started anew"
            raise StorageError(
                f"storage {shown}: a worker on {host} holds a run in this SQLite "
                f"file, and this is {here}; workers of several machines go {_SERVER}. If "
                f"{host} has stopped, this works again in {math.ceil(seconds)} s"
            )


def _holders(connection: Connection) -> list[tuple[str, float]]:
    """Who holds runs of any study, and for how many seconds without another word."""
    now = database_now(connection)
    held = select(RunRow.worker_id, RunRow.expires).where(RunRow.done == 0, RunRow.expires > now)
    return [(worker, expires - now) for worker, expires in connection.execute(held)]


def _require_few(store: Store, workers: int, words: str) -> None:
    if workers > MOST_WORKERS:
        raise StorageError(
            f"storage {store.shown}: a SQLite file takes at most {MOST_WORKERS} workers, which write one after the "
            f"other; {words}. More of them go {_SERVER}"
        )
