"""Optuna's tables before Optuna sees them: it writes to those of other versions first, and refuses them then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from ..errors import StorageError
from .engine import READING
from .studies import Store
from .url import shown


__all__ = ["OptunaSchema", "require_optuna_schema"]

_REVISION = "SELECT version_num FROM alembic_version"
_MADE_BY = "SELECT schema_version, library_version FROM version_info ORDER BY version_info_id"


@dataclass(frozen=True)
class OptunaSchema:
    """The tables that the installed Optuna works with.

    Attributes:
        release: its version.
        number: of its schema, as versions before alembic's counted.
        scripts: the folder of its migrations.
        columns: table to the names of its columns.
    """

    release: str
    number: int
    scripts: Path
    columns: Mapping[str, Collection[str]]


def require_optuna_schema(store: Store, wanted: OptunaSchema) -> None:
    """Refuse a database whose Optuna tables are not those of this Optuna; nothing is written.

    Tables that were made by half, by somebody who was killed over it, are none of another version.

    Raises:
        StorageError: if they are of another version, or are somebody else's and only have such names.
    """
    if store.is_empty_file():
        return
    with store.answering(), store.engine.connect().execution_options(**{READING: True}) as connection:
        there = set(inspect(connection).get_table_names())
        revision = connection.scalar(text(_REVISION)) if "alembic_version" in there else None
        if revision is None:  # of other versions other columns may be expected
            _require_columns(connection, there & wanted.columns.keys(), wanted)
        made = connection.execute(text(_MADE_BY)).first() if "version_info" in there else None
    number, maker = (None, "?") if made is None else made
    if revision is None and number in (None, wanted.number):
        return
    scripts = ScriptDirectory(str(wanted.scripts))
    if revision != scripts.get_current_head():
        older = revision is None or revision in {script.revision for script in scripts.walk_revisions()}
        raise StorageError(
            f"storage {store.shown}: its Optuna tables were made by Optuna {maker} (schema {revision or number}), "
            f"this is Optuna {wanted.release}; "
            + ("'optuna storage upgrade --storage URL' brings them forward" if older else "upgrade Optuna")
        )


def _require_columns(connection: Connection, tables: Collection[str], wanted: OptunaSchema) -> None:
    for table in sorted(tables):
        columns = {column["name"] for column in inspect(connection).get_columns(table)}
        if missing := set(wanted.columns[table]) - columns:
            raise StorageError(
                f"storage {shown(connection.engine.url)}: its table {table} is not Optuna's, which has a column "
                f"{min(missing)}; give the study a database of its own"
            )
