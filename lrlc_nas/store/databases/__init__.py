"""The kinds of databases, one file each: what differs between them stands here and nowhere else.

A new one is a file, a line in the table below and its driver among the extras of `pyproject.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .database import Database as Database
from .database import Server as Server
from .database import shown as shown
from .mysql import MySQL
from .postgresql import PostgreSQL
from .sqlite import READING as READING
from .sqlite import SQLite
from .sqlite import require_file as require_file
from .sqlite import sqlite_path as sqlite_path

DATABASES: Mapping[str, Database] = MappingProxyType(
    {"sqlite": SQLite(), "mysql": MySQL(), "mariadb": MySQL(), "postgresql": PostgreSQL()}
)
"""SQLAlchemy's name of a kind to what is to be known of it. Of errors, the first that knows the driver judges."""
