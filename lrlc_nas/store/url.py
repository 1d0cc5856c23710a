"""The storage URL: what is accepted, and what the user is told when it is not."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ..errors import StorageError


__all__ = ["parse_url", "refuse_password", "shown", "sqlite_path"]

_SERVERS = {
    "postgresql": ("psycopg", "psycopg[binary]"),
    "mysql": ("pymysql", "pymysql"),
    "mariadb": ("pymysql", "pymysql"),
}
_SQLITE_MAGIC = b"SQLite format 3\0"


def parse_url(text: str) -> URL:
    """Read a storage URL and check all that can be checked without writing.

    Args:
        text: for example ``sqlite:///lrlc-nas.db`` or ``postgresql://user@host/database``.

    Raises:
        StorageError: if the URL is malformed, names a kind of database that is not supported, needs a driver
            that is not installed, or leads to a directory, a missing folder or a file that is no database.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text is not repeated: a malformed URL may still hold a password.
        raise StorageError(
            "storage: not a database URL; required is something like sqlite:///lrlc-nas.db "
            "or postgresql://USER@HOST/DATABASE"
        ) from None
    if "@" in (url.host or ""):
        # What stands before the last @ is the end of the password, so the URL is not shown.
        raise StorageError("storage: an @ in a user name or a password must be written as %40")
    url = _with_password_in_place(url)
    backend = url.get_backend_name()
    if backend == "sqlite":
        _check_sqlite(url)
    elif backend in _SERVERS:
        url = _with_driver(url, *_SERVERS[backend])
    else:
        raise StorageError(
            f"storage {shown(url)}: the database must be sqlite, {', '.join(_SERVERS)}; got {backend}"
        )
    return url


def refuse_password(text: str) -> None:
    """Refuse a URL that holds a password, where others may read it; one that is no URL is somebody else's to refuse.

    Raises:
        StorageError: if it does.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return
    if url.password is not None or any("pass" in key for key in url.query if not key.endswith("file")):
        raise StorageError(
            f"--storage {shown(url.set(password=None))}: a password on the command line can be read by everybody on "
            "this machine; give the URL by the environment variable LRLC_NAS_STORAGE"
        )


def shown(url: URL) -> str:
    """The URL as it may be shown: without its password, and without the query, which may hold another."""
    return url.set(query={}).render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The database file of a SQLite URL; None for servers."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def _with_password_in_place(url: URL) -> URL:
    """The same URL with user and password where SQLAlchemy expects, and hides, them: drivers take a query too."""
    given = {
        key: value for key in ("user", "password", "passwd") if isinstance(value := url.query.get(key), str)
    }
    return url.difference_update_query(given).set(
        username=url.username or given.get("user"),
        password=url.password or given.get("password") or given.get("passwd"),
    )


def _with_driver(url: URL, usual: str, package: str) -> URL:
    backend = url.get_backend_name()
    if "+" not in url.drivername:
        url = url.set(drivername=f"{url.drivername}+{usual}")
    if not url.database:
        raise StorageError(
            f"storage {shown(url)}: names no database; required is {backend}://USER@HOST/DATABASE"
        )
    if url.port is not None and not 0 < url.port < 2**16:
        raise StorageError(f"storage {shown(url)}: the port must be from 1 to 65535; got {url.port}")
    driver = url.get_driver_name()
    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
    except NoSuchModuleError:
        raise StorageError(
            f"storage {shown(url)}: unknown driver {driver}; the usual one is {usual}"
        ) from None
    except ImportError:
        hint = f"pip install '{package}'" if driver == usual else f"the usual one is {usual}"
        raise StorageError(
            f"storage {shown(url)}: needs the driver {driver}, which is not installed; {hint}"
        ) from None
    if dialect.is_async:
        raise StorageError(f"storage {shown(url)}: the driver must not be an asynchronous one; got {driver}")
    return url


def _check_sqlite(url: URL) -> None:
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StorageError(f"storage {shown(url)}: SQLite takes no other driver than pysqlite")
    if url.host or not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StorageError(
            f"storage {shown(url)}: SQLite needs a file, since workers are processes; for example "
            "sqlite:///lrlc-nas.db (with three slashes)"
        )
    path = Path(url.database)
    if path.is_dir():
        raise StorageError(f"storage {shown(url)}: {path} is a directory; a database file is required")
    if not path.parent.is_dir():
        raise StorageError(f"storage {shown(url)}: the folder {path.parent} does not exist")
    if path.exists() and not path.is_file():
        raise StorageError(f"storage {shown(url)}: {path} is not a file")
    if path.exists():
        _check_is_database(url, path)


def _check_is_database(url: URL, path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise StorageError(f"storage {shown(url)}: cannot read {path}: {os.strerror(errno.EACCES)}")
    # By SQLite itself: whoever closes a file loses all locks that its process has on it, those of open connections
    # too, unless SQLite closes it (sqlite.org/howtocorrupt). Immutable: it reads the file, and touches nothing.
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError:
        # Nobody has it open then. One that is damaged behind its head is told by the first call that needs it.
        if path.read_bytes()[: len(_SQLITE_MAGIC)] != _SQLITE_MAGIC:
            raise StorageError(f"storage {shown(url)}: {path} is not a SQLite database") from None
