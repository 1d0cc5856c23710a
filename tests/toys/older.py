"""Tables as older versions of this package made them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from lrlc_nas.store import Store
from lrlc_nas.store.databases import DATABASES
from lrlc_nas.store.schema import bring_forward

VERSIONS = ("0001", "0002", "0003", "0004", "0005")
SCORES = ("train_loss", "train_accuracy", "loss", "learning_rate", "images_per_second")

_UNDO = {
    "0006": (
        "DROP TABLE nas_items",
        "DROP INDEX nas_study_parent",
        "ALTER TABLE nas_study DROP COLUMN circumstance",
        "CREATE UNIQUE INDEX nas_study_parent ON nas_study (parent_study_id)",
    ),
    "0005": (
        "ALTER TABLE nas_run RENAME COLUMN worker_id TO owner",
        "ALTER TABLE nas_run RENAME COLUMN crash_count TO deaths",
        "UPDATE nas_run SET role = 'stage-' || stage WHERE role = 'confirm'",
        "ALTER TABLE nas_run DROP COLUMN cause",
        "ALTER TABLE nas_run DROP COLUMN stage",
        "DROP INDEX nas_study_parent",
        "ALTER TABLE nas_study DROP COLUMN parent_study_id",
        "ALTER TABLE nas_kernel_choice RENAME TO nas_path",
        "ALTER TABLE nas_path RENAME COLUMN computation TO path",
        "ALTER TABLE nas_test_opening RENAME TO nas_look",
        "ALTER TABLE nas_look RENAME COLUMN opening_id TO look_id",
    ),
    "0004": ("ALTER TABLE nas_run DROP COLUMN deaths",),
    "0003": ("DROP TABLE nas_look",),
    "0002": ("DROP TABLE nas_path",),
}
"""Version to what takes it back to the one before it, but for the epochs."""


def create_older(store: Store, version: str) -> None:
    """Make the tables of an older version, which are empty."""
    DATABASES[store.engine.dialect.name].create(store.engine)
    with store.engine.begin() as connection:
        bring_forward(connection, version)


def take_back(path: Path, version: str) -> None:
    """Make a SQLite database what an older version would have left."""
    with closing(sqlite3.connect(path)) as connection, connection:
        if version < "0005":
            _take_epochs_back(connection)
        for newer, statements in _UNDO.items():
            for statement in statements if newer > version else ():
                connection.execute(statement)
        connection.execute("UPDATE nas_schema SET version_num = ?", (version,))


def _take_epochs_back(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT run_id, epoch, attempt, value, seconds, scores FROM nas_epoch").fetchall()
    connection.execute("DROP TABLE nas_epoch")
    columns = ", ".join(f"{name} DOUBLE NOT NULL" for name in ("accuracy", "seconds", *SCORES))
    connection.execute(
        "CREATE TABLE nas_epoch (run_id INTEGER NOT NULL REFERENCES nas_run, epoch INTEGER NOT NULL, "
        f"attempt INTEGER NOT NULL, {columns}, PRIMARY KEY (run_id, epoch))"
    )
    for *fields, scores in rows:
        numbers = json.loads(scores)
        values = [*fields, *(numbers[name] for name in SCORES)]
        connection.execute(f"INSERT INTO nas_epoch VALUES ({', '.join('?' * len(values))})", values)
