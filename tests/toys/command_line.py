"""Running the commands, in this process and as processes of their own, and reading what they left behind."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lrlc_nas.cli import main

DATABASE = "lrlc-nas.db"
TRIALS = 8
STUDY_FILE = f"""
name = "small"
[host]
options = {{channels = 4, strides = [2, 1, 1]}}
[data.split]
train = 300
search = 200
[recipe]
epochs = 6
path = "kernel"
[space]
choices = ["lrlc-2", "lc"]
[budget]
trials = {TRIALS}
"""

_PATIENCE = 90.0


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and its words."""

    code: int
    out: str
    err: str


@dataclass
class Running:
    """`lrlc-nas` as a process in a folder; its children are its workers."""

    folder: Path
    arguments: tuple[str, ...]

    def __enter__(self) -> "Running":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lrlc_nas", *self.arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        left = [*self.workers(), *([psutil.Process(self.process.pid)] if self.process.poll() is None else [])]
        for process in left:
            process.kill()
        self.process.communicate()

    def workers(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = _PATIENCE) -> Done:
        out, err = self.process.communicate(timeout=seconds)
        return Done(self.process.returncode, out, err)

    def until_training(self) -> list[psutil.Process]:
        """Wait until an epoch more than there were is recorded; the workers of that moment."""
        before = epochs(self.folder)
        wait_until(lambda: epochs(self.folder) > before, lambda: f"no epoch: {self.process.poll()}")
        workers = self.workers()
        assert workers, "the study was over before the test could interfere"
        return workers


@dataclass(frozen=True)
class Finished:
    """A study that was never disturbed: its folder, and what its start said. Tests only read it."""

    folder: Path
    done: Done


def run(folder: Path, *arguments: str) -> Done:
    """Run a command as a process."""
    with Running(folder, arguments) as running:
        return running.wait()


def call(*arguments: str, folder: Path | None = None) -> Done:
    """Run a command in this process, in a folder or in the current one."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["lrlc-nas", *arguments])
        if folder is not None:
            patch.chdir(folder)
        with pytest.raises(SystemExit) as end:
            main()
    return Done(int(end.value.code or 0), out.getvalue(), err.getvalue())


def wait_until(condition: Callable[[], bool], state: Callable[[], str], seconds: float = _PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, state()
        time.sleep(0.02)


def query(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """Ask the database in a folder, without changing it; nothing where there is no such table yet."""
    try:
        connection = sqlite3.connect(f"file:{folder / DATABASE}?mode=ro", uri=True)
    except sqlite3.OperationalError:
        return []
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def epochs(folder: Path) -> int:
    return len(query(folder, "SELECT 1 FROM nas_epoch"))


def unfinished(folder: Path) -> int:
    return len(query(folder, "SELECT 1 FROM nas_run WHERE done = 0"))


def story(folder: Path) -> list[tuple[object, ...]]:
    """All that a study found: each run's plan, seed and end, and each of its epochs, to the last bit."""
    runs = query(
        folder, "SELECT number, plan, seed, state, reason, value, epoch FROM nas_run WHERE done = 1 ORDER BY number"
    )
    trained = query(
        folder,
        "SELECT number, e.epoch, e.value, json_remove(scores, '$.images_per_second') "
        "FROM nas_epoch e JOIN nas_run USING (run_id) ORDER BY number, e.epoch",
    )
    return runs + trained


def optuna_states(folder: Path) -> dict[object, object]:
    return dict(query(folder, "SELECT state, count(*) FROM trials GROUP BY state"))


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def listens(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal, as the kernel of Linux tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)
