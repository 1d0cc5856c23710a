"""The way to a study database: to a SQLite file by itself for whoever only looks, else through SQLAlchemy.

To import SQLAlchemy takes longer than all else that a look at a study does. So nothing imports it here before it is
needed: for a server, for tables of an older version, for whatever is written, and to say what is wrong.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from .databases import require_file, shown, sqlite_path
from .migrations import VERSION_TABLE, known_versions
from .url import parse_url, plain_path

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

    from .older_tables import ReadingEngine

__all__ = ["StudyDatabase"]


class StudyDatabase:
    """The study database, opened when it is first asked for something.

    Args:
        url: a storage URL, see `lrlc_nas.store.parse_url`.

    Attributes:
        path: the file of a SQLite database; None for servers.
        shown: the URL without its password.

    Raises:
        StorageError: if the URL is refused.
    """

    def __init__(self, url: str) -> None:
        self._text = url
        self._is_present = False  # no database ever goes back
        plain = plain_path(url)
        if plain is None:
            self.path, self.shown = sqlite_path(self.url), shown(self.url)
        else:
            require_file(url, plain)
            self.path, self.shown = plain.absolute(), url

    @cached_property
    def url(self) -> URL:
        """The URL, complete."""
        return parse_url(self._text)

    @cached_property
    def engine(self) -> Engine:
        """For whoever writes."""
        from .engine import make_engine

        # The same file, in whatever folder this process is by now.
        return make_engine(self.url if self.path is None else self.url.set(database=str(self.path)))

    @property
    def reading(self) -> Engine:
        """For whoever only reads: as `select`, for queries that SQLAlchemy writes."""
        return self._reading.engine()

    def is_present(self) -> bool:
        """Whether this is a SQLite file with tables of the present version, as far as it can be told at once."""
        if not self._is_present:
            found = self._at_once(f"SELECT version_num FROM {VERSION_TABLE}", {}) or []  # noqa: S608 - ours
            self._is_present = [row.version_num for row in found] == known_versions()[:1]
        return self._is_present

    def select(self, query: str, **values: Any) -> list[Any]:
        """What a query finds in our tables, which are read as those of the present version; columns are attributes.

        Args:
            query: in the SQL of every kind of database, with ``:name`` for each value.
            **values: name to value.
        """
        found = self._at_once(query, values) if self.is_present() else None
        if found is not None:
            return found
        from sqlalchemy import text

        with self.reading.connect() as connection:
            return list(connection.execute(text(query), values))

    @cached_property
    def _reading(self) -> ReadingEngine:
        from .older_tables import ReadingEngine

        return ReadingEngine(self.engine)

    def _at_once(self, query: str, values: dict[str, Any]) -> list[SimpleNamespace] | None:
        """What a query finds in a SQLite file; None where it is none, or answers with an error or not at once."""
        if self.path is None:
            return None
        try:
            # As SQLAlchemy opens it, but for a file that is not there, which is not made.
            with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", timeout=0, uri=True)) as connection:
                found = connection.execute(query, values)
                names = [column[0] for column in found.description]
                return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in found]
        except sqlite3.Error:
            return None
