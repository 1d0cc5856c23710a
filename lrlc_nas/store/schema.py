"""The version of our tables: created, checked and brought forward with alembic."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from ..errors import StorageError
from .advisory_lock import advisory_lock
from .databases import shown
from .engine import READING
from .migrations import MIGRATIONS, VERSION_TABLE, known_versions

__all__ = [
    "VERSION_TABLE",
    "bring_forward",
    "create_tables",
    "has_tables",
    "is_older",
    "require_known_version",
    "require_present_version",
]


def create_tables(engine: Engine) -> None:
    """Create our tables, or bring those of an older version forward; whoever was killed over it, this does the rest.

    On SQLite and PostgreSQL it is one transaction. MySQL has none for such statements.
    """
    with advisory_lock(engine), engine.begin() as connection:
        require_known_version(connection)
        bring_forward(connection)


def bring_forward(connection: Connection, version: str = "head") -> None:
    """Apply the migrations that are missing, up to a version."""
    from alembic import command  # slow to import, and whoever only looks has present tables most of the time
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # '%' begins an interpolation in alembic's configuration.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, version)


def has_tables(connection: Connection) -> bool:
    """Whether the database holds our tables at all, and not only what was made of them before a kill.

    The first version is written when its last table is there.
    """
    return inspect(connection).has_table(VERSION_TABLE) and _version(connection) is not None


def is_older(connection: Connection) -> bool:
    """Whether an older version of this package made the tables of a database that has some."""
    return _version(connection) in known_versions()[1:]


def require_known_version(connection: Connection) -> None:
    """Raise `StorageError` if a newer version of this package made the tables."""
    if not has_tables(connection):
        return
    version, known = _version(connection), known_versions()
    if version not in known:
        raise StorageError(
            f"storage {shown(connection.engine.url)}: its studies were made by a newer version of lrlc_nas "
            f"(schema {version}, this version knows up to {max(known)}); upgrade lrlc_nas"
        )


def require_present_version(engine: Engine) -> None:
    """Raise `StorageError` if an older version of this package made the tables: they can be read, not written to."""
    with engine.connect().execution_options(**{READING: True}) as connection:
        version, present = _version(connection), known_versions()[0]
    if version != present:
        raise StorageError(
            f"storage {shown(engine.url)}: its studies were made by an older version of lrlc_nas (schema {version}, "
            f"now {present}); 'lrlc-nas resume NAME --workers 0' brings them forward"
        )


def _version(connection: Connection) -> str | None:
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - ours
    return connection.execute(query).scalar()
