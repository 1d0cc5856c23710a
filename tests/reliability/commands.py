"""Commands one after the other in a process of their own: its start takes seconds, each of them next to nothing."""

from __future__ import annotations

import io
import json
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path

from lrlc_nas.errors import LrlcNasError

from .poison import unprintable
from .waiting import PATIENCE

__all__ = ["Command", "Done", "Session", "environment", "main", "run_commands"]

_PROGRAMME = "from tests.reliability.commands import main; main()"
_ROOT = Path(__file__).parents[2]  # of the repository
_POLL_SECONDS = 0.05
_LONGEST_LINE = 2000
# They lead to another database, or change how words are shown.
_LEFT_OUT = ("LRLC_NAS_STORAGE", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS")


@dataclass(frozen=True)
class Command:
    """What is typed where.

    Attributes:
        folder: the current one.
        words: after ``lrlc-nas``.
    """

    folder: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and its words."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All of its words."""
        return self.out + self.err

    @property
    def is_plain(self) -> bool:
        """Whether its words are words alone, and those of trouble one line."""
        line = self.err.startswith("Error: ") and self.err.count("\n") == 1
        return not unprintable(self.text) and (line if self.code else not self.err)

    def is_refusal(self, why: str = "") -> bool:
        """Whether it was refused as whatever is wrong with the input is, and says why."""
        told = why in self.err and len(self.err) < _LONGEST_LINE
        return self.is_plain and told and (self.code, self.out) == (2, "")


@dataclass(frozen=True)
class Session:
    """What commands left.

    Attributes:
        done: of each of them.
        rest: what else their process said.
    """

    done: list[Done]
    rest: str


def run_commands(commands: Sequence[Command], watch: Callable[[], None] = lambda: None, **variables: str) -> Session:
    """Run commands in a new process.

    Args:
        commands: which.
        watch: called again and again meanwhile.
        variables: of the environment.

    Raises:
        LrlcNasError: if the process does not get to its end.
    """
    # Where everybody sees them, as if they were typed.
    line = [sys.executable, "-c", _PROGRAMME, json.dumps([asdict(command) for command in commands])]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, env=environment(**variables), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            out, err = _talk(process, watch)
        finally:
            process.kill()  # one that has ended is let alone
    if process.returncode:
        raise LrlcNasError(f"the process of the commands ended with exit code {process.returncode}: {err.strip()}")
    said, _, done = out.rstrip("\n").rpartition("\n")
    return Session([Done(**each) for each in json.loads(done)], said + err)


def environment(**variables: str) -> dict[str, str]:
    """The environment of this process with these variables, and without those that lead to another database.

    Its processes find this programme, and the functions that its studies name, wherever they stand.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    paths = [str(_ROOT), *filter(None, kept.get("PYTHONPATH", "").split(os.pathsep))]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", **variables}


def main() -> None:
    """Run the commands that the command line holds as JSON, and print what they left as JSON."""
    done = [_run(each["folder"], each["words"]) for each in json.loads(sys.argv[1])]
    print(json.dumps([asdict(each) for each in done]))


def _run(folder: str, words: Sequence[str]) -> Done:
    """Run a command as ``python -m lrlc_nas`` does: this room must not import the command line above it."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["lrlc-nas", *words]
    with chdir(folder), redirect_stdout(out), redirect_stderr(err):
        try:
            runpy.run_module("lrlc_nas", run_name="__main__")
        except SystemExit as end:
            return Done(int(end.code or 0), out.getvalue(), err.getvalue())
        except Exception as error:  # a shell would see a traceback
            return Done(1, out.getvalue(), f"{err.getvalue()}\n{error!r}\n")
    return Done(0, out.getvalue(), err.getvalue())


def _talk(process: subprocess.Popen[str], watch: Callable[[], None]) -> tuple[str, str]:
    deadline = time.monotonic() + PATIENCE
    while True:
        watch()
        try:
            return process.communicate(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise LrlcNasError(f"the commands did not end within {PATIENCE:.0f} s") from None
