"""The storage URL: what is accepted, and what the user is told when it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..errors import StorageError


__all__ = ["parse_url", "shown", "sqlite_path"]

_DRIVERS = {
    "postgresql": ("postgresql+psycopg", "psycopg", "lrlc_nas[postgresql]"),
    "mysql": ("mysql+pymysql", "pymysql", "lrlc_nas[mysql]"),
    "mariadb": ("mariadb+pymysql", "pymysql", "lrlc_nas[mysql]"),
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
    backend = url.get_backend_name()
    if backend == "sqlite":
        _check_sqlite(url)
        return url
    if backend not in _DRIVERS:
        raise StorageError(
            f"storage {shown(url)}: the database must be sqlite, {', '.join(_DRIVERS)}; got {backend}"
        )
    driver_name, module, extra = _DRIVERS[backend]
    if "+" not in url.drivername:
        url = url.set(drivername=driver_name)
    wanted = url.get_driver_name()
    module = module if wanted in driver_name else wanted
    if importlib.util.find_spec(module) is None:
        raise StorageError(
            f"storage {shown(url)}: needs the driver {module}, which is not installed; pip install '{extra}'"
        )
    return url


def shown(url: URL) -> str:
    """The URL as it may be shown: without its password."""
    return url.render_as_string(hide_password=True)


def sqlite_path(url: URL) -> Path | None:
    """The database file of a SQLite URL; None for servers."""
    return Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else None


def _check_sqlite(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StorageError(
            f"storage {shown(url)}: SQLite needs a file, since workers are processes; for example sqlite:///lrlc-nas.db"
        )
    path = Path(url.database)
    if path.is_dir():
        raise StorageError(f"storage {shown(url)}: {path} is a directory; a database file is required")
    if not path.parent.is_dir():
        raise StorageError(f"storage {shown(url)}: the folder {path.parent} does not exist")
    if path.exists():
        _check_is_database(url, path)


def _check_is_database(url: URL, path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_MAGIC))
    except OSError as error:
        raise StorageError(f"storage {shown(url)}: cannot read {path}: {error.strerror}") from None
    if head and head != _SQLITE_MAGIC:
        raise StorageError(f"storage {shown(url)}: {path} is not a SQLite database")
