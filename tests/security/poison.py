"""Studies to put into what somebody could, and the commands in this process."""

import importlib
import io
import json
import sqlite3
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from lrlc_nas.cli import main
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import Worker, resume_study, start_study
from lrlc_nas.store import Store
from tests.reliability import poison
from tests.reliability.commands import Done

DATABASE = "lrlc-nas.db"
NAME = "shy"

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
    assert poison.unprintable(text) == ""


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
    return poison.execute(folder / DATABASE, sql, *values)


def value_of(folder: Path, sql: str) -> object:
    """The first value that a query finds."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.execute(sql).fetchone()[0]


def poison_names(folder: Path, sentinel: Path) -> str:
    """Make everything in the database in a folder that is a word hostile; the new name of the study."""
    return poison.poison_names(folder / DATABASE, NAME, "first", sentinel)


def poison_attributes(folder: Path, sentinel: Path) -> None:
    """Give Optuna's study and trials in a folder the attributes that some of its samplers unpickle, and others."""
    poison.poison_attributes(folder / DATABASE, sentinel)
