"""What somebody could put into a file or a database, studies to put it into, and the commands in this process."""

import hashlib
import importlib
import io
import json
import os
import pickle
import sqlite3
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from lrlc_nas.cli import main
from lrlc_nas.store import Store
from lrlc_nas.study import StudyConfig, Worker, confirmation_name, resume_study, start_study


DATABASE = "lrlc-nas.db"
NAME = "shy"
TERMINAL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[red]"
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'
PATH = "/../../outside/x"
HOSTILE = f"{TERMINAL}{MARKUP}{PATH}\r\nforged: line"

SHY = '''
"""A host and images that leave a sentinel when somebody imports them."""

import os
import pathlib
from collections import OrderedDict

import torch
from torch import nn

pathlib.Path(os.environ["SENTINEL"]).touch()


def images():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(90) % 3
    pixels = torch.randint(0, 150, (90, 3, 6, 6), generator=generator, dtype=torch.uint8)
    pixels[torch.arange(90), labels] += 40
    return pixels, labels


def host(channels, classes, size):
    layers = {"first": nn.Conv2d(channels, 3, 3), "relu": nn.ReLU(), "second": nn.Conv2d(3, 3, 3)}
    return nn.Sequential(OrderedDict(**layers, flatten=nn.Flatten(), logits=nn.Linear(12, classes)))
'''

CONFIG = {
    "name": NAME,
    "host": {"name": "shy_module:host"},
    "data": {"name": "shy_module:images", "split": {"search": 24, "confirm": 24, "test": 6}},
    "recipe": {"epochs": 2, "batch_size": 12, "learning_rate": 0.05, "path": "bank"},
    "space": {"choices": ["lrlc-2", "lc"]},
    "search": {"pruner": "none", "host_repeats": 2},
    "budget": {"trials": 7},
}


class Bomb:
    """Runs code in whoever unpickles it."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = str(sentinel)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.sentinel,)


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and its words."""

    code: int
    out: str
    err: str


def call(*arguments: str) -> Done:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lrlc-nas", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
    return Done(int(end.value.code or 0), out.getvalue(), err.getvalue())


def assert_refused(done: Done, message: str) -> None:
    """Exit code 2 and one line."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert message in done.err, done.err


def assert_plain(text: str) -> None:
    """Nothing that a terminal would take for a command."""
    assert "".join(char for char in text if not char.isprintable() and char != "\n") == ""


def train(folder: Path, config: dict[str, object]) -> Store:
    """Train a study in a folder with one worker."""
    store = Store(f"sqlite:///{folder / DATABASE}")
    start_study(store, StudyConfig.model_validate_json(json.dumps(config)))
    work(store, str(config["name"]))
    return store


def work(store: Store, name: str) -> None:
    """Train what is left of a study."""
    study = resume_study(store, name)
    Worker(store, study.record, study.prepared, device="cpu").work()


def forget_module(name: str = "shy_module") -> None:
    """Let the next import run the module again."""
    sys.modules.pop(name, None)
    importlib.invalidate_caches()


def execute(folder: Path, sql: str, *values: object) -> int:
    """Change the database in a folder as somebody who may write to it could; how many rows it changed."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        return connection.execute(sql, values).rowcount


def value_of(folder: Path, sql: str) -> object:
    """The first value that a query finds."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.execute(sql).fetchone()[0]


def contents(folder: Path) -> dict[str, str]:
    """Each file and its digest, but for what a reader of SQLite keeps beside it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def poison_names(folder: Path, sentinel: Path) -> str:
    """Make everything in a database that is a word hostile; the new name of the study."""
    name = f"study {HOSTILE}"
    execute(folder, "UPDATE nas_study SET name = ? WHERE name = ?", name, NAME)
    execute(
        folder,
        "UPDATE nas_study SET name = ? WHERE name = ?",
        confirmation_name(name),
        confirmation_name(NAME),
    )
    execute(folder, "UPDATE studies SET study_name = ? WHERE study_name = ?", name, NAME)
    changed = (f"host {HOSTILE}", f"data {HOSTILE}")
    execute(
        folder, "UPDATE nas_study SET config = json_set(config, '$.host.name', ?, '$.data.name', ?)", *changed
    )
    execute(
        folder,
        "UPDATE nas_study SET config = json_set(config, '$.confirmation.of', ?, '$.confirmation.notes', "
        "json_array(?), '$.confirmation.claims[0].label', ?) WHERE name <> ?",
        *(name, HOSTILE, HOSTILE, name),
    )
    site = json.dumps("first" + HOSTILE)
    for column in ("space", "left_out", "config"):
        execute(folder, f"UPDATE nas_study SET {column} = replace({column}, '\"first\"', ?)", site)
    execute(folder, "UPDATE nas_run SET plan = replace(plan, '\"first\"', ?)", site)
    execute(folder, "UPDATE nas_site SET name = ? WHERE name = 'first'", "first" + HOSTILE)
    execute(folder, "UPDATE nas_study SET refused = ?", json.dumps({HOSTILE: HOSTILE}))
    execute(
        folder,
        "UPDATE nas_study SET facts = json_set(facts, '$.versions', json_object(?, ?))",
        HOSTILE,
        HOSTILE,
    )
    execute(folder, "UPDATE nas_study SET facts = json_set(facts, '$.classes', json_array(?))", HOSTILE)
    execute(folder, "UPDATE nas_study SET data_fingerprint = ?, host_fingerprint = ?", HOSTILE, HOSTILE)
    execute(folder, "UPDATE nas_run SET owner = ?, facts = json_object('device', ?)", HOSTILE, HOSTILE)
    execute(folder, "UPDATE nas_run SET reason = ? WHERE slot % 2", f"reason {HOSTILE}")
    poison_attributes(folder, sentinel)
    return name


def poison_attributes(folder: Path, sentinel: Path) -> None:
    """Give Optuna's study and trials the attributes that some of its samplers unpickle, and others."""
    bomb = pickle.dumps(Bomb(sentinel)).hex()
    keys = ("cma:optimizer", "cma:optimizer:0", "cma:popsize", "tpe:state", "slot", "role", "reason")
    for kind in ("user", "system"):
        for owner, table in (("trial", "trials"), ("study", "studies")):
            attributes = f"{owner}_{kind}_attributes"
            execute(folder, f"DELETE FROM {attributes} WHERE key IN ('slot', 'role', 'reason')")
            for key in keys:
                value = json.dumps([bomb, HOSTILE] if key == "slot" else bomb)
                execute(
                    folder,
                    f"INSERT INTO {attributes} ({owner}_id, key, value_json) SELECT {owner}_id, ?, ? FROM {table}",
                    key,
                    value,
                )
