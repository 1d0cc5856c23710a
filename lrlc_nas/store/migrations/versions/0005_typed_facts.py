"""Typed facts: the cause of an end, the stage and the parent of a confirmation; any numbers of an epoch; new names.

What older versions said in words is read here, once. MySQL commits each statement: each of them may be repeated.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from lrlc_nas.store.migrations.missing import (
    add_column,
    create_index,
    has_column,
    has_table,
    rename_column,
    rename_table,
)

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# How the reasons of older versions began, the first that fits.
_CAUSES = (
    ("behind the others after epoch", "behind"),
    ("infeasible: out of memory", "out-of-memory"),
    ("infeasible", "infeasible"),
    ("diverged", "diverged"),
    ("error: its worker died ", "crashed"),
    ("error", "error"),
)
_STAGE = "stage-"
_SCORES = ("train_loss", "train_accuracy", "loss", "learning_rate", "images_per_second")
_NEW_EPOCHS = "nas_epoch_0005"
_BATCH = 5000


def upgrade() -> None:
    """Bring tables and rows forward."""
    rename_column("nas_run", "owner", "worker_id")
    rename_column("nas_run", "deaths", "crash_count")
    rename_column("nas_run", "slot", "number")
    rename_table("nas_path", "nas_kernel_choice")
    rename_column("nas_kernel_choice", "path", "computation")
    rename_table("nas_look", "nas_test_opening")
    rename_column("nas_test_opening", "look_id", "opening_id")
    add_column("nas_run", sa.Column("cause", sa.String(20)))
    add_column("nas_run", sa.Column("stage", sa.Integer, nullable=False, server_default="0"))
    add_column("nas_study", sa.Column("parent_study_id", sa.Integer))
    _read_causes()
    _read_stages()
    _read_parents()
    create_index("nas_study_parent", "nas_study", ["parent_study_id"], unique=True)
    _gather_scores()


def _read_causes() -> None:
    run = sa.table("nas_run", *map(sa.column, ("state", "reason", "cause")))
    ended = run.c.state.in_(("pruned", "failed")) & run.c.cause.is_(None)
    for words, cause in _CAUSES:
        op.execute(run.update().where(ended, run.c.reason.startswith(words, autoescape=True)).values(cause=cause))


def _read_stages() -> None:
    run = sa.table("nas_run", *map(sa.column, ("role", "stage")))
    roles = op.get_bind().scalars(sa.select(run.c.role).where(run.c.role.startswith(_STAGE)).distinct())
    for role in list(roles):
        number = role.removeprefix(_STAGE)
        if number.isdecimal():
            op.execute(run.update().where(run.c.role == role).values(role="confirm", stage=int(number)))


def _read_parents() -> None:
    """A confirmation names its search in its configuration; a study that is only called so is none."""
    study = sa.table("nas_study", *map(sa.column, ("study_id", "name", "config", "parent_study_id")))
    rows = op.get_bind().execute(sa.select(study).order_by(study.c.study_id)).all()
    numbers = {row.name: row.study_id for row in rows}
    taken = {row.parent_study_id for row in rows}
    for row in rows:
        parent = numbers.get(_search_of(row.config))
        if row.parent_study_id is None and parent not in (None, row.study_id, *taken):
            taken.add(parent)
            op.execute(study.update().where(study.c.study_id == row.study_id).values(parent_study_id=parent))


def _search_of(config: Any) -> str:
    try:
        return str(json.loads(config)["confirmation"]["of"])
    except (TypeError, ValueError, KeyError, RecursionError):  # a search, or a damaged row
        return ""


def _gather_scores() -> None:
    """One text of named numbers for the five columns; the old table goes when the new one is whole."""
    if has_column("nas_epoch", "accuracy"):
        if has_table(_NEW_EPOCHS):
            op.drop_table(_NEW_EPOCHS)
        new = op.create_table(
            _NEW_EPOCHS,
            sa.Column("run_id", sa.Integer, sa.ForeignKey("nas_run.run_id"), primary_key=True),
            sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("attempt", sa.Integer, nullable=False),
            sa.Column("value", sa.Double, nullable=False),
            sa.Column("seconds", sa.Double, nullable=False),
            sa.Column("scores", sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb"), nullable=False),
        )
        # Without types, so that a damaged row stays what it is.
        plain = sa.table(new.name, *(sa.column(column.name) for column in new.columns))
        for batch in _old_epochs():
            op.get_bind().execute(plain.insert(), [_new_epoch(row) for row in batch])
        op.drop_table("nas_epoch")
    rename_table(_NEW_EPOCHS, "nas_epoch")


def _old_epochs() -> Iterator[Sequence[Mapping[Any, Any]]]:
    names = ("run_id", "epoch", "attempt", "accuracy", "seconds", *_SCORES)
    old = sa.table("nas_epoch", *map(sa.column, names))
    everything = op.get_bind().execute(sa.select(old).order_by(old.c.run_id, old.c.epoch)).mappings()
    while batch := everything.fetchmany(_BATCH):
        yield batch


def _new_epoch(row: Mapping[Any, Any]) -> dict[str, Any]:
    scores = json.dumps({name: row[name] for name in _SCORES}, default=repr)
    kept = {name: row[name] for name in ("run_id", "epoch", "attempt", "seconds")}
    return {**kept, "value": row["accuracy"], "scores": scores}
