"""Workers are asked to stop, given time, and killed: at an interrupt, at a second one, when they are late."""

import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
from scripted_workers import after, interrupt, pids

from lrlc_nas import signals as stopping
from lrlc_nas.engine.launchers import LocalWorkers


def test_workers_are_asked_to_stop_before_an_interrupt_goes_on(
    launch: Callable[..., LocalWorkers], tmp_path: Path
) -> None:
    said = tmp_path / "said"
    local = launch(f"trap 'echo bye >> {said}; exit 0' TERM\nwhile :; do sleep 0.05; done", ("cpu", "cpu"))
    with pytest.raises(KeyboardInterrupt):
        local.run(after(2, tmp_path, interrupt))
    assert said.read_text() == "bye\nbye\n"
    assert not local.hurried
    assert not any(map(psutil.pid_exists, pids(tmp_path)))


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_second_interrupt_kills_those_that_do_not_stop_whenever_it_comes(
    launch: Callable[..., LocalWorkers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """While they are asked or waited for, and while those that are late are killed or waited for."""
    monkeypatch.setattr("lrlc_nas.engine.launchers.local._GRACE_SECONDS", 0.2)
    local = launch("trap '' TERM\nwhile :; do sleep 0.05; done")
    calls = 0

    def interrupting(call: Callable[..., int]) -> Callable[..., int]:
        def interrupted(*arguments: object) -> int:
            nonlocal calls
            calls += 1
            try:
                return call(*arguments)
            finally:
                if calls == moment:
                    raise KeyboardInterrupt

        return interrupted

    with monkeypatch.context() as patch:
        for name in ("terminate", "wait", "kill"):
            patch.setattr(subprocess.Popen, name, interrupting(getattr(subprocess.Popen, name)))
        with pytest.raises(KeyboardInterrupt):
            local.run(after(1, tmp_path, interrupt))
    assert calls >= moment
    assert local.hurried
    (worker,) = local._workers
    assert worker.popen.wait(30) == -signal.SIGKILL


def test_a_second_interrupt_that_is_heard_elsewhere_hurries_as_well(
    launch: Callable[..., LocalWorkers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = launch("exec sleep 60")

    def heard() -> None:
        monkeypatch.setattr(stopping._heard, "hurried", True)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local.run(after(1, tmp_path, heard))
    assert local.hurried


def test_an_interrupt_that_python_has_dropped_stops_the_workers(
    launch: Callable[..., LocalWorkers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = launch("exec sleep 60")
    heard = partial(monkeypatch.setattr, stopping._heard, "interrupted", True)
    with pytest.raises(KeyboardInterrupt):
        local.run(after(1, tmp_path, heard))
    assert not local.hurried
    assert not any(map(psutil.pid_exists, pids(tmp_path)))


def test_a_killed_worker_that_does_not_die_is_left_to_the_system(
    launch: Callable[..., LocalWorkers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for a disk, or a driver."""
    monkeypatch.setattr("lrlc_nas.engine.launchers.local._GRACE_SECONDS", 0.1)
    monkeypatch.setattr("lrlc_nas.engine.launchers.local._DYING_SECONDS", 0.1)
    local = launch("trap '' TERM\nwhile :; do sleep 0.05; done")
    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "kill", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            local.run(after(1, tmp_path, interrupt))
    (worker,) = local._workers
    assert worker.popen.poll() is None
    worker.popen.kill()
    worker.popen.wait(30)


def test_those_that_do_not_stop_in_time_are_killed(
    launch: Callable[..., LocalWorkers], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrlc_nas.engine.launchers.local._GRACE_SECONDS", 0.2)
    local = launch("trap '' TERM\nwhile :; do sleep 0.05; done")
    with pytest.raises(KeyboardInterrupt):
        local.run(after(1, tmp_path, interrupt))
    assert not local.hurried
    assert not any(map(psutil.pid_exists, pids(tmp_path)))
