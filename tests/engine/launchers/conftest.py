import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from scripted_workers import pids

from lrlc_nas.config import load_config
from lrlc_nas.engine import start_study
from lrlc_nas.engine.launchers import LocalWorkers
from lrlc_nas.store import Store, StudyRecord

SMALL = ("host.options={channels=4}", "data.split.train=100", "data.split.search=100", "budget.trials=5")


@pytest.fixture(scope="session")
def scripted_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, StudyRecord]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('launchers') / 'lrlc-nas.db'}")
    return store, start_study(store, load_config(None, SMALL)).record


@pytest.fixture
def launch(
    scripted_study: tuple[Store, StudyRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., LocalWorkers]]:
    """Workers that run a script instead of training; their process ids are in `pids`."""
    store, record = scripted_study
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lrlc_nas.engine.launchers.local._POLL_SECONDS", 0.01)

    def make(script: str, devices: tuple[str, ...] = ("cpu",), runs: dict[str, int] | None = None) -> LocalWorkers:
        python = tmp_path / "python"
        # A trap stands before the worker counts as started: a signal must not come before it.
        first, rest = script.split("\n", 1) if script.startswith("trap ") else ("", script)
        python.write_text(f"#!/bin/sh\n{first}\necho $$ >> {tmp_path / 'pids'}\n{rest}\n")
        python.chmod(stat.S_IRWXU)
        monkeypatch.setattr("lrlc_nas.engine.launchers.local.sys.executable", str(python))
        left = runs if runs is not None else {"waiting": 1}
        monkeypatch.setattr(Store, "counts", lambda *_: dict(left))
        monkeypatch.setattr("lrlc_nas.engine.launchers.local.progress", lambda *_: tuple(left.values()))
        return LocalWorkers(store, record, list(devices))

    yield make
    for pid in pids(tmp_path):
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)
