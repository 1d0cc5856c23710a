"""Where the studies of the faults lie: SQLite files, or databases of servers that are started for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lrlc_nas.errors import InputError
from lrlc_nas.store import Store

from .servers import SERVERS, Server, running

__all__ = [
    "DATABASE",
    "PLACES",
    "SQLITE",
    "Place",
    "ServerPlace",
    "chosen_places",
    "opened",
    "opened_store",
    "store_in",
    "url_in",
]

PLACES = ("sqlite", *SERVERS)
"""Every kind of database, as the command line names it."""

DATABASE = "studies.db"
"""The file of a SQLite database, in its folder."""

_URL = "url"


class Place:
    """Gives each study a folder and a database of its own: here a SQLite file in that folder."""

    name = "SQLite"

    def furnish(self, folder: Path) -> Path:
        """Make a folder, with a database that nobody has used yet."""
        folder.mkdir()
        return folder

    def clear(self, folder: Path) -> None:
        """Remove a folder and all in it."""
        shutil.rmtree(folder)


class ServerPlace(Place):
    """Gives each study a database of a server; its URL stands in a file of the folder.

    Args:
        server: which runs.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = server.name

    def furnish(self, folder: Path) -> Path:
        """Make a folder, with a database that nobody has used yet."""
        super().furnish(folder)
        handle = os.open(folder / _URL, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(self.server.new_database())
        return folder


SQLITE = Place()
"""The place that needs no server."""


def store_in(folder: Path) -> Store:
    """The database that belongs to a folder."""
    return Store(url_in(folder))


def url_in(folder: Path) -> str:
    """The URL of the database that belongs to a folder."""
    url = folder / _URL
    return url.read_text() if url.exists() else f"sqlite:///{folder}/{DATABASE}"


@contextmanager
def opened_store(folder: Path) -> Iterator[Store]:
    """The database that belongs to a folder; no connection to it outlives the block."""
    store = store_in(folder)
    try:
        yield store
    finally:
        store.engine.dispose()


def chosen_places(names: Sequence[str]) -> list[str]:
    """Check what the user has chosen; no names: SQLite, and the servers that are installed.

    Raises:
        InputError: if a name is unknown, or a server that is named is not installed.
    """
    if not names:
        return ["sqlite", *(name for name, kind in SERVERS.items() if not kind.lacking())]
    for name in names:
        if name not in PLACES:
            raise InputError(f"--on must be one of {', '.join(PLACES)}; got {name!r}")
        if name in SERVERS and (lacking := SERVERS[name].lacking()):
            raise InputError(f"--on {name}: {lacking}")
    return list(dict.fromkeys(names))


@contextmanager
def opened(name: str) -> Iterator[Place]:
    """A place of one of `PLACES`; a server runs as long as the block does."""
    if name not in SERVERS:
        yield SQLITE
        return
    with running(SERVERS[name]) as server:
        yield ServerPlace(server)
