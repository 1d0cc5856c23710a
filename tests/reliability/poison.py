"""What somebody could put into a database or in the place of a checkpoint."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

__all__ = [
    "DISGUISES",
    "HOSTILE",
    "MARKUP",
    "ROWS",
    "Bomb",
    "changed",
    "contents",
    "execute",
    "name_functions",
    "poison_attributes",
    "poison_checkpoints",
    "poison_names",
    "poison_row",
    "unprintable",
]

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'
"""Whatever a page or a template could trip over."""

_TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[red]"
_PATH = "/../../outside/x"
HOSTILE = f"{_TERMINAL}{MARKUP}{_PATH}\r\nforged: line"
"""A word that a terminal, a page, a path and a log could each trip over."""

_ATTRIBUTES = ("cma:optimizer", "cma:optimizer:0", "cma:popsize", "tpe:state", "slot", "role", "reason")
_DEEP = "[" * 100_000 + "]" * 100_000

ROWS: dict[str, tuple[str, str, str]] = {
    "number": ("nas_run", "number", "../../../outside"),
    "attempt": ("nas_run", "attempt", "1/../../../outside"),
    "epoch": ("nas_run", "epoch", "<script>"),
    "value": ("nas_run", "value", "<script>"),
    "started": ("nas_run", "started", "yesterday"),
    "plan": ("nas_run", "plan", "cos\nsystem\n(S'touch exploded'\ntR."),
    "plan-token": ("nas_run", "plan", '{"first": "__import__(\'os\')"}'),
    "plan-list": ("nas_run", "plan", "[1]"),
    "plan-deep": ("nas_run", "plan", _DEEP),
    "run-facts": ("nas_run", "facts", "nothing"),
    "config": ("nas_study", "config", "!!python/object/apply:os.system ['touch exploded']"),
    "config-empty": ("nas_study", "config", "{}"),
    "config-deep": ("nas_study", "config", _DEEP),
    "space": ("nas_study", "space", "[]"),
    "facts": ("nas_study", "facts", "{"),
    "created": ("nas_study", "created", "never"),
    "trials": ("nas_study", "trials", "many"),
    "value-of-an-epoch": ("nas_epoch", "value", "nan(<script>)"),
    "geometry": ("nas_site", "geometry", "{"),
}
"""Rows that nobody of ours wrote: a table, its column, and what stands there."""


class Bomb:
    """Runs code in whoever unpickles it: makes a folder.

    Args:
        sentinel: the folder.
    """

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = str(sentinel)

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str, int, bool]]:
        return os.makedirs, (self.sentinel, 0o700, True)


def _archive(state: Mapping[str, Any]) -> bytes:
    return _saved(state)


def _legacy(state: Mapping[str, Any]) -> bytes:
    return _saved(state, _use_new_zipfile_serialization=False)


def _pickle_and_archive(state: Mapping[str, Any]) -> bytes:
    """Readers of pickles begin at the start, those of archives at the end."""
    return pickle.dumps(state) + _saved({})


DISGUISES: dict[str, Callable[[Mapping[str, Any]], bytes]] = {
    "archive": _archive,
    "legacy": _legacy,
    "pickle": pickle.dumps,
    "pickle-and-archive": _pickle_and_archive,
}
"""The forms of a file that runs what a state holds in whoever loads it as torch does without care."""


def poison_checkpoints(folder: Path, content: bytes, *, matching: bool, pattern: str = "epoch-*.pt") -> list[Path]:
    """Put the content in the place of checkpoints below a folder; where it lies then.

    Args:
        folder: above them.
        content: of all of them.
        matching: also give them the SHA-256 of the content in their names.
        pattern: of the names of those that are replaced.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    places = []
    for path in list(folder.rglob(pattern)):
        path.unlink()
        places.append(path.with_name(f"{path.name[: -len('.pt') - 64]}{sha256}.pt") if matching else path)
        places[-1].write_bytes(content)
    return places


def poison_row(database: Path, kind: str) -> int:
    """Put one of `ROWS` in the place of the first row of its table; how many rows that changed."""
    table, column, value = ROWS[kind]
    first = f"rowid = (SELECT min(rowid) FROM {table})"
    return execute(database, f"UPDATE {table} SET {column} = ? WHERE {first}", value)


def poison_names(database: Path, name: str, site: str, sentinel: Path) -> str:
    """Make everything in a database that is a word hostile.

    Args:
        database: the SQLite file.
        name: of the study in it, which has a confirmation.
        site: one of its sites.
        sentinel: what is there once somebody has unpickled an attribute.

    Returns:
        The new name of the study.
    """
    hostile = f"study {HOSTILE}"
    name_functions(database, f"host {HOSTILE}", f"data {HOSTILE}")
    for sql, values in (*_renaming(name, hostile), *_rewording(hostile, site)):
        execute(database, sql, *values)
    poison_attributes(database, sentinel)
    return hostile


def poison_attributes(database: Path, sentinel: Path) -> None:
    """Give Optuna's study and trials the attributes that some of its samplers unpickle, and others."""
    bomb = pickle.dumps(Bomb(sentinel)).hex()
    values = {key: json.dumps([bomb, HOSTILE] if key == "slot" else bomb) for key in _ATTRIBUTES}
    for owner, table in (("trial", "trials"), ("study", "studies")):
        for attributes in (f"{owner}_user_attributes", f"{owner}_system_attributes"):
            # S608: of words that stand here.
            delete = f"DELETE FROM {attributes} WHERE key IN ('slot', 'role', 'reason')"
            select = f"SELECT {owner}_id, ?, ? FROM {table}"
            execute(database, delete)
            for key, value in values.items():
                execute(database, f"INSERT INTO {attributes} ({owner}_id, key, value_json) {select}", key, value)


def name_functions(database: Path, host: str, images: str) -> None:
    """Let every study in a database name these functions, ``module:function``, as its host and its images."""
    sql = "UPDATE nas_study SET config = json_set(config, '$.host.name', ?, '$.data.name', ?)"
    execute(database, sql, host, images)


def execute(database: Path, sql: str, *values: object) -> int:
    """Change a SQLite file as somebody who may write to it could; how many rows it changed."""
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(sql, values).rowcount


def contents(folder: Path) -> dict[str, str]:
    """Each file below a folder and its digest, but for what a reader of SQLite keeps beside it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def changed(folder: Path, before: Mapping[str, str]) -> list[Path]:
    """The files below a folder that are no longer, or not yet, among its `contents` of before."""
    now = contents(folder)
    return [folder / path for path in sorted({*before, *now}) if before.get(path) != now.get(path)]


def unprintable(text: str) -> str:
    """Whatever in a text a terminal would take for a command."""
    return "".join(char for char in text if not char.isprintable() and char != "\n")


def _renaming(name: str, hostile: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    rename = "UPDATE nas_study SET name = ? WHERE name = ?"
    yield rename, (hostile, name)
    yield rename, (f"{hostile}/confirmation", f"{name}/confirmation")
    yield "UPDATE studies SET study_name = ? WHERE study_name = ?", (hostile, name)


def _rewording(name: str, site: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Statements that change all words but the names of the study and its confirmation."""
    yield (
        "UPDATE nas_study SET config = json_set(config, '$.confirmation.of', ?, '$.confirmation.notes', "
        "json_array(?), '$.confirmation.claims[0].label', ?) WHERE name <> ?",
        (name, HOSTILE, HOSTILE, name),
    )
    quoted = (json.dumps(site), json.dumps(site + HOSTILE))
    for column in ("space", "left_out", "config"):
        yield f"UPDATE nas_study SET {column} = replace({column}, ?, ?)", quoted
    yield "UPDATE nas_run SET plan = replace(plan, ?, ?)", quoted
    yield "UPDATE nas_site SET name = ? WHERE name = ?", (site + HOSTILE, site)
    yield "UPDATE nas_study SET refused = ?", (json.dumps({HOSTILE: HOSTILE}),)
    yield (
        "UPDATE nas_study SET facts = json_set(facts, '$.versions', json_object(?, ?), '$.classes', json_array(?))",
        (HOSTILE, HOSTILE, HOSTILE),
    )
    yield "UPDATE nas_study SET data_fingerprint = ?, host_fingerprint = ?", (HOSTILE, HOSTILE)
    yield "UPDATE nas_run SET worker_id = ?, facts = json_object('device', ?)", (HOSTILE, HOSTILE)
    yield "UPDATE nas_run SET reason = ? WHERE number % 2", (f"reason {HOSTILE}",)


def _saved(state: Mapping[str, Any], **options: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()
