"""Optuna's tables before Optuna sees them.

It writes to those of other versions first, and refuses them then; where two processes make them at once, one fails.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, MetaData, inspect, select, text

from ..errors import StorageError
from .advisory_lock import advisory_lock
from .databases import shown
from .engine import READING
from .retry import repeatable
from .studies import Store

__all__ = ["OptunaSchema", "make_optuna_tables", "require_optuna_schema"]

_REVISION = "SELECT version_num FROM alembic_version"
_MADE_BY = "SELECT schema_version, library_version FROM version_info ORDER BY version_info_id"


@dataclass(frozen=True)
class OptunaSchema:
    """The tables that the installed Optuna works with.

    Attributes:
        release: its version.
        number: of its schema, as versions before alembic's counted.
        scripts: the folder of its migrations.
        metadata: its tables.
    """

    release: str
    number: int
    scripts: Path
    metadata: MetaData


def require_optuna_schema(store: Store, wanted: OptunaSchema) -> None:
    """Refuse a database whose Optuna tables are not those of this Optuna; nothing is written.

    Tables that were made by half, by somebody who was killed over it, are none of another version.

    Raises:
        StorageError: if they are of another version, or are somebody else's and only have such names.
    """
    if store.is_empty_file():
        return
    with store.answering():
        _require(store, wanted)


def make_optuna_tables(store: Store, wanted: OptunaSchema) -> None:
    """Make Optuna's tables where they are missing, as it would; whoever was killed over it, this does the rest.

    On SQLite and PostgreSQL it is one transaction. MySQL has none for such statements, and Optuna itself looks for
    tables only: it never would create an index that is missing, without which there may be two studies of one name.

    Raises:
        StorageError: see `require_optuna_schema`.
    """
    require_optuna_schema(store, wanted)
    with store.answering():
        _make(store, wanted)


@repeatable
def _require(store: Store, wanted: OptunaSchema) -> None:
    with store.engine.connect().execution_options(**{READING: True}) as connection:
        there = set(inspect(connection).get_table_names())
        revision = connection.scalar(text(_REVISION)) if "alembic_version" in there else None
        if revision is None:  # of other versions other columns may be expected
            _require_columns(connection, there & wanted.metadata.tables.keys(), wanted.metadata)
        made = connection.execute(text(_MADE_BY)).first() if "version_info" in there else None
    number, maker = (None, "?") if made is None else made
    if revision is None and number in (None, wanted.number):
        return
    newest, *before = _revisions(wanted.scripts)
    if revision != newest:
        older = revision is None or revision in before
        raise StorageError(
            f"storage {store.shown}: its Optuna tables were made by Optuna {maker} (schema {revision or number}), "
            f"this is Optuna {wanted.release}; "
            + ("'optuna storage upgrade --storage URL' brings them forward" if older else "upgrade Optuna")
        )


@repeatable
def _make(store: Store, wanted: OptunaSchema) -> None:
    with advisory_lock(store.engine), store.engine.begin() as connection:
        wanted.metadata.create_all(connection)
        for table in wanted.metadata.sorted_tables:
            for index in table.indexes:
                index.create(connection, checkfirst=True)
        made = wanted.metadata.tables["version_info"]
        if connection.execute(select(made)).first() is None:
            connection.execute(made.insert().values(schema_version=wanted.number, library_version=wanted.release))
        from alembic.migration import MigrationContext  # slow to import, and seldom needed
        from alembic.script import ScriptDirectory

        context = MigrationContext.configure(connection)
        if context.get_current_revision() is None:
            context.stamp(ScriptDirectory(str(wanted.scripts)), "head")


@cache
def _revisions(scripts: Path) -> list[str]:
    """From the newest on; to read them takes longer than to ask a database."""
    from alembic.script import ScriptDirectory  # slow to import, and seldom needed

    return [script.revision for script in ScriptDirectory(str(scripts)).walk_revisions()]


def _require_columns(connection: Connection, tables: Collection[str], wanted: MetaData) -> None:
    for table in sorted(tables):
        columns = {column["name"] for column in inspect(connection).get_columns(table)}
        if missing := set(wanted.tables[table].columns.keys()) - columns:
            raise StorageError(
                f"storage {shown(connection.engine.url)}: its table {table} is not Optuna's, which has a column "
                f"{min(missing)}; give the study a database of its own"
            )
