"""The storage URL: what is accepted, and what the user is told when it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StorageError
from .databases import DATABASES, shown

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

__all__ = ["parse_url", "plain_path", "refuse_password"]

# Characters that stand for themselves in every URL.
_PLAIN = re.compile(r"sqlite:///([\w./+~ -]*[\w+~-])", re.ASCII)


def plain_path(text: str) -> Path | None:
    """The file of a SQLite URL that needs no parser, as most do; None for every other."""
    found = _PLAIN.fullmatch(text)
    return None if found is None else Path(found[1])


def parse_url(text: str) -> URL:
    """Read a storage URL and check all that can be checked without writing.

    Args:
        text: for example ``sqlite:///lrlc-nas.db`` or ``postgresql://user@host/database``.

    Raises:
        StorageError: if the URL is malformed, names a kind of database that is not supported, needs a driver
            that is not installed, or leads to a directory, a missing folder or a file that is no database.
    """
    from sqlalchemy.engine import make_url  # see `StudyDatabase`
    from sqlalchemy.exc import ArgumentError

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
    if backend not in DATABASES:
        raise StorageError(f"storage {shown(url)}: the database must be one of {', '.join(DATABASES)}; got {backend}")
    return DATABASES[backend].checked(url)


def refuse_password(text: str) -> None:
    """Refuse a URL that holds a password, where others may read it; one that is no URL is somebody else's to refuse.

    Raises:
        StorageError: if it does.
    """
    if plain_path(text) is not None:
        return
    from sqlalchemy.engine import make_url  # see `StudyDatabase`
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        return
    if url.password is not None or any("pass" in key for key in url.query if not key.endswith("file")):
        raise StorageError(
            f"--storage {shown(url.set(password=None))}: a password on the command line can be read by everybody on "
            "this machine; give the URL by the environment variable LRLC_NAS_STORAGE"
        )


def _with_password_in_place(url: URL) -> URL:
    """The same URL with user and password where SQLAlchemy expects, and hides, them: drivers take a query too."""
    given = {key: value for key in ("user", "password", "passwd") if isinstance(value := url.query.get(key), str)}
    return url.difference_update_query(given).set(
        username=url.username or given.get("user"),
        password=url.password or given.get("password") or given.get("passwd"),
    )
