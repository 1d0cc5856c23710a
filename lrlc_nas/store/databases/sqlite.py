"""SQLite: a file, for the workers of one machine."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DiskError, StorageError
from .database import Database, shown
from .file_systems import is_on_network

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, ExceptionContext
    from sqlalchemy.engine import URL

__all__ = ["READING", "SQLite", "require_file", "sqlite_path"]

READING = "lrlc_nas_reading"
"""The execution option of connections that only read: they need not wait for a writer."""

_MAGIC = b"SQLite format 3\0"
_POLL_SECONDS = 0.05
_PASSING = frozenset({5, 6})  # SQLITE_BUSY and SQLITE_LOCKED, of a file that somebody else uses
# SQLITE_IOERR, also of a file that must not grow any more, and SQLITE_FULL.
_DISK_CODES = frozenset({10, 13})


def sqlite_path(url: URL) -> Path | None:
    """The database file of a SQLite URL; None for servers."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


class SQLite(Database):
    """SQLite. Its transactions that make tables hold the whole file, so that it needs no lock of its own."""

    # unixepoch('subsec') is NULL before SQLite 3.42.
    clock = "SELECT (julianday('now') - 2440587.5) * 86400.0"
    busy_seconds: float = 60
    """How long a writer waits for another one."""

    def checked(self, url: URL) -> URL:
        """See `Database.checked`."""
        if url.drivername not in ("sqlite", "sqlite+pysqlite"):
            raise StorageError(f"storage {shown(url)}: SQLite takes no other driver than pysqlite")
        if url.host or not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise StorageError(
                f"storage {shown(url)}: SQLite needs a file, since workers are processes; for example "
                "sqlite:///lrlc-nas.db (with three slashes)"
            )
        require_file(shown(url), Path(url.database))
        return url

    def options(self, url: URL) -> dict[str, Any]:
        """See `Database.options`."""
        return {"connect_args": {"timeout": self.busy_seconds}}

    def passes(self, error: BaseException | None) -> bool | None:
        """See `Database.passes`."""
        if not isinstance(error, sqlite3.Error):
            return None
        code = getattr(error, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _PASSING

    def prepare(self, engine: Engine) -> None:
        """Make every transaction that may write take the write lock when it begins.

        A deferred transaction that first reads and then writes can be handed the same waiting run as another one:
        SELECT ... FOR UPDATE does nothing in SQLite. And a full disk becomes a `DiskError`.
        """
        from sqlalchemy import event  # see `StudyDatabase`

        event.listen(engine, "connect", _begin_nothing)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _say_whether_file)
        engine.dispose()  # connections that were pooled before the events were attached

    def create(self, engine: Engine) -> None:
        """Create the file, readable by its owner alone.

        Its readers and its writer do not wait for each other from then on: a write-ahead log is kept with the file,
        but not where other machines may write too.
        """
        from sqlalchemy.exc import OperationalError  # see `StudyDatabase`

        path = Path(engine.url.database or "").absolute()
        # Only where there is none: whoever closes a file loses all locks that its process has on it, those of
        # SQLite's open connections too, and the next process to close it removes the log under them
        # (sqlite.org/howtocorrupt).
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = engine.raw_connection()
        pragma = f"PRAGMA journal_mode={'DELETE' if is_on_network(path) else 'WAL'}"
        try:
            _insist(lambda: connection.cursor().execute(pragma), self.busy_seconds)
        except sqlite3.Error as error:
            raise _file_error(engine.url, error) or OperationalError(pragma, None, error) from error
        finally:
            connection.close()


def require_file(shown: str, path: Path) -> None:
    """Refuse a path that leads to something else than a SQLite file, or to no folder; `shown` is its URL.

    Raises:
        StorageError: if it does.
    """
    if path.is_dir():
        raise StorageError(f"storage {shown}: {path} is a directory; a database file is required")
    if not path.parent.is_dir():
        raise StorageError(f"storage {shown}: the folder {path.parent} does not exist")
    if path.exists() and not path.is_file():
        raise StorageError(f"storage {shown}: {path} is not a file")
    if path.exists():
        _require_database(shown, path)


def _insist(call: Callable[[], object], seconds: float) -> None:
    """Call until the file is free: a change of the journal fails at once where it would have to wait for another's."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            call()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            return


def _begin_nothing(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions by itself


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _say_whether_file(context: ExceptionContext) -> BaseException | None:
    """What SQLAlchemy raises in place of its own error; None: its own."""
    if context.engine is None:
        return None
    return _file_error(context.engine.url, context.original_exception)


def _file_error(url: URL, error: BaseException) -> DiskError | StorageError | None:
    code, path = getattr(error, "sqlite_errorcode", None), sqlite_path(url)
    if code is not None and code & 0xFF == sqlite3.SQLITE_READONLY:
        return StorageError(
            f"storage {shown(url)}: {path} must be writable together with its folder, because SQLite keeps files "
            "beside it even for whoever only reads; it is read-only here, but a copy can be read"
        )
    if code is None or code & 0xFF not in _DISK_CODES or path is None:
        return None
    try:
        free = f"{shutil.disk_usage(path.parent).free} bytes are free there"
    except OSError:
        free = "how many bytes are free there is not known"
    return DiskError(f"storage {shown(url)}: {error}: {path} could not be written, {free}")


def _require_database(shown: str, path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise StorageError(f"storage {shown}: cannot read {path}: {os.strerror(errno.EACCES)}")
    # By SQLite itself: whoever closes a file loses all locks that its process has on it, those of open connections
    # too, unless SQLite closes it (sqlite.org/howtocorrupt). Immutable: it reads the file, and touches nothing.
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError:
        # Nobody has it open then. One that is damaged behind its head is told by the first call that needs it.
        if path.read_bytes()[: len(_MAGIC)] != _MAGIC:
            raise StorageError(f"storage {shown}: {path} is not a SQLite database") from None
