"""A disk that takes no more, provoked by a limit on the size of files: what was done stands, and resume ends it."""

import os
import re
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch
from command_line import DATABASE, Done, Finished, query, story

from lrlc_nas.config import load_config
from lrlc_nas.engine import Worker, resume_study, start_study
from lrlc_nas.engine.files import run_checkpoints
from lrlc_nas.store import Store

KIB = 2**10
# The first run's checkpoint takes 601 KiB, the second one's 891, and the database less than either.
LARGE = (
    "name=large",
    "host.options={channels=64, strides=[2, 2, 1]}",
    "data.split.train=100",
    "data.split.search=100",
    "recipe.epochs=2",
    "recipe.path=kernel",
    "space.choices=['lrlc-2']",
    "search.host_repeats=1",
    "budget.trials=2",
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """The folder of a study with large checkpoints that nobody has trained; its database has no log yet."""
    start(tmp_path)
    return tmp_path


def start(folder: Path) -> None:
    store = Store(f"sqlite:///{folder / DATABASE}")
    start_study(store, load_config(None, LARGE))
    store.engine.dispose()


def train(folder: Path, name: str) -> None:
    """What `resume` does, in this process."""
    store = Store(f"sqlite:///{folder / DATABASE}")
    study = resume_study(store, name)
    Worker(store, study.record, study.prepared, device="cpu").work()
    store.engine.dispose()


def run_limited(folder: Path, kibibytes: int, *arguments: str) -> Done:
    """Run a command that may not write more than so much to any file."""
    limit = (kibibytes * KIB, resource.RLIM_INFINITY)
    done = subprocess.run(
        [sys.executable, "-m", "lrlc_nas", *arguments],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    return Done(done.returncode, done.stdout, done.stderr)


def assert_says(done: Done, message: str) -> None:
    assert (done.code, done.err[-1:]) == (74, "\n")
    assert re.fullmatch(f"Error: {message}", done.err.splitlines()[-1]), done.err


def assert_nothing_is_left_behind(folder: Path) -> None:
    assert list(folder.rglob("*.tmp")) == []
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_checkpoint_that_does_not_fit(large: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("unlimited")
    start(elsewhere)
    train(elsewhere, "large")
    done = run_limited(large, 700, "worker", "large")
    path = rf"{re.escape(str(large))}/.*/trial-1/attempt-1/epoch-00000-.*\.pt"
    needs = r"File too large: the checkpoint needs [0-9]+ bytes, [0-9]+ are free"
    assert_says(done, f"{path}: {needs}")
    assert_nothing_is_left_behind(large)
    assert query(large, "SELECT number, state, epoch, expires FROM nas_run ORDER BY number") == [
        (0, "complete", 2, 0.0),
        (1, "waiting", 0, 0.0),
    ]
    store = Store(f"sqlite:///{large / DATABASE}")
    study = store.study("large")
    before = run_checkpoints(store, study, store.runs(study)[0]).load_newest()
    assert before is not None
    assert before["epoch"] == 1
    store.engine.dispose()
    train(large, "large")
    assert story(large) == story(elsewhere)
    assert_nothing_is_left_behind(large)


def test_a_database_that_may_not_grow(tmp_path: Path, untrained: bytes, finished: Finished) -> None:
    (tmp_path / DATABASE).write_bytes(untrained)
    done = run_limited(tmp_path, 250, "worker", "small")
    path = re.escape(str(tmp_path / DATABASE))
    why = "(database or disk is full|disk I/O error)"
    assert_says(done, rf"storage sqlite:///{DATABASE}: {why}: {path} could not be written, [0-9]+ bytes are free there")
    assert_nothing_is_left_behind(tmp_path)
    assert query(tmp_path, "SELECT 1 FROM nas_epoch"), "the worker was stopped before it began"
    train(tmp_path, "small")
    assert story(tmp_path) == story(finished.folder)
    assert_nothing_is_left_behind(tmp_path)
