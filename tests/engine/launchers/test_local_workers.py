"""Workers are kept alive, replaced, stopped, and told no secret where others can read it."""

import os
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from scripted_workers import after, pids

from lrlc_nas.engine import study_folder
from lrlc_nas.engine.launchers import STUDY_STOPPED, LocalWorkers
from lrlc_nas.errors import DeviceError, DiskError, LrlcNasError, OutageError, StudyStoppedError
from lrlc_nas.facts import Role
from lrlc_nas.store import NewRun, Store, StudyRecord, claim, extend_study, sqlite_path


def test_it_ends_when_every_worker_has_ended_and_no_run_is_left(
    launch: Callable[..., LocalWorkers], tmp_path: Path
) -> None:
    launch("exit 0", ("cpu", "cpu"), runs={"complete": 5}).run(lambda: None)
    assert len(pids(tmp_path)) == 2


def test_a_worker_that_ends_too_early_is_replaced(launch: Callable[..., LocalWorkers], tmp_path: Path) -> None:
    runs = {"waiting": 1}
    local = launch("exit 0", runs=runs)
    local.run(after(3, tmp_path, lambda: runs.update(waiting=0)))
    assert len(pids(tmp_path)) >= 3


def test_runs_whose_trials_nobody_has_made_are_given_theirs(
    launch: Callable[..., LocalWorkers], scripted_study: tuple[Store, StudyRecord], tmp_path: Path
) -> None:
    """Another process has raised the total and was killed; workers claim no run without a trial."""
    runs = {"waiting": 1}
    local = launch("exit 0", runs=runs)
    path = sqlite_path(scripted_study[0].url)
    assert path is not None
    scripted_study[0].engine.dispose()  # so that all of it is in one file
    shutil.copy(path, tmp_path / "raised.db")
    local.store = Store(f"sqlite:///{tmp_path / 'raised.db'}")
    extend_study(local.store, local.study, 7, [NewRun(Role.SAMPLED, seed) for seed in (5, 6)])
    assert [run.trial_id is None for run in local.store.runs(local.study)] == [False] * 5 + [True] * 2
    local.run(after(2, tmp_path, lambda: runs.update(waiting=0)))
    trials = [run.trial_id for run in local.store.runs(local.study)]
    assert None not in trials
    assert len(set(trials)) == 7
    assert claim(local.store, local.study, "me", 60.0) is not None
    local.store.engine.dispose()


def test_a_killed_worker_is_replaced(launch: Callable[..., LocalWorkers], tmp_path: Path) -> None:
    local = launch(f"test $(wc -l < {tmp_path / 'pids'}) -gt 1 && exit 2; sleep 60")
    with pytest.raises(LrlcNasError, match="worker 0: no message"):
        local.run(after(1, tmp_path, lambda: os.kill(pids(tmp_path)[0], signal.SIGKILL)))
    assert len(pids(tmp_path)) == 2


def test_workers_that_keep_dying_end_the_study_and_the_last_word_is_told(
    launch: Callable[..., LocalWorkers], tmp_path: Path
) -> None:
    local = launch("echo; echo 'Error: no such kernel'; exit 7")
    message = r"died 6 times and nothing came of it; the last: exit code 7: no such kernel \(see .*worker-0\.log\)"
    with pytest.raises(LrlcNasError, match=message):
        local.run(lambda: None)
    assert len(pids(tmp_path)) == 6


def test_words_of_an_earlier_worker_are_not_taken_for_the_last_ones(launch: Callable[..., LocalWorkers]) -> None:
    with pytest.raises(LrlcNasError, match="worker 0: the first"):
        launch("echo the first; exit 2").run(lambda: None)
    with pytest.raises(LrlcNasError, match="worker 0: no message"):
        launch("exit 2").run(lambda: None)


def test_deaths_of_which_something_came_are_endured(launch: Callable[..., LocalWorkers], tmp_path: Path) -> None:
    runs = {"waiting": 20, "complete": 0}
    local = launch("kill -9 $$", runs=runs)

    def a_little_progress() -> None:
        runs.update(complete=len(pids(tmp_path)) // 2)
        if runs["complete"] == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local.run(a_little_progress)


def test_a_worker_that_finds_the_study_stuck_stops_it(launch: Callable[..., LocalWorkers], tmp_path: Path) -> None:
    local = launch(f"echo 'Error: all runs fail'; exit {STUDY_STOPPED}")
    with pytest.raises(StudyStoppedError, match=r"^all runs fail$"):
        local.run(lambda: None)
    assert len(pids(tmp_path)) == 1


@pytest.mark.parametrize("kind", [OutageError, DiskError])
def test_what_no_other_worker_could_mend_ends_the_study(
    launch: Callable[..., LocalWorkers], tmp_path: Path, kind: type[LrlcNasError]
) -> None:
    local = launch(f"echo 'Error: none of it is left'; exit {kind.exit_code}")
    with pytest.raises(kind, match=r"^none of it is left$"):
        local.run(lambda: None)
    assert len(pids(tmp_path)) == 1


LOSE = "echo 'Error: run 3: it is lost'; exit 75"


def test_a_device_that_is_lost_once_is_used_again(launch: Callable[..., LocalWorkers], tmp_path: Path) -> None:
    script = f"test $(wc -l < {tmp_path / 'pids'}) -gt 1 && exit 0; {LOSE}"
    launch(script, ("cuda:0",), runs={"complete": 1}).run(lambda: None)
    assert len(pids(tmp_path)) == 2


def test_a_device_that_is_lost_twice_in_a_row_is_named_and_used_no_more(
    launch: Callable[..., LocalWorkers], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    on_second = f'test "$6" = cuda:1 && {{ echo x >> {tmp_path / "told"}; {LOSE}; }}; exit 0'
    launch(on_second, ("cuda:0", "cuda:1"), runs={"complete": 1}).run(lambda: None)
    assert (tmp_path / "told").read_text() == "x\nx\n"
    assert caplog.messages == ["device cuda:1: lost twice in a row, and used no more: run 3: it is lost"]


def test_two_workers_that_one_event_ends_are_one_loss(
    launch: Callable[..., LocalWorkers], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Both were there when it happened."""
    event = tmp_path / "event"
    wait = f"while ! test -e {event}; do sleep 0.01; done"
    script = f"test $(wc -l < {tmp_path / 'pids'}) -gt 2 && exit 0; {wait}; {LOSE}"
    local = launch(script, ("cuda:0", "cuda:0"), runs={"complete": 1})
    local.run(after(2, tmp_path, event.touch))
    assert len(pids(tmp_path)) == 4
    assert caplog.messages == []


def test_where_no_device_is_left_the_study_ends_with_a_line(
    launch: Callable[..., LocalWorkers], tmp_path: Path
) -> None:
    local = launch(LOSE, ("cuda:0", "cuda:1"))
    message = r"^no device is left: cuda:[01], cuda:[01] lost twice in a row; run 3: it is lost$"
    with pytest.raises(DeviceError, match=message):
        local.run(lambda: None)
    assert len(pids(tmp_path)) == 4


def test_a_device_that_has_gone_after_it_was_lost_is_lost_again(
    launch: Callable[..., LocalWorkers], tmp_path: Path
) -> None:
    """A worker that is to use it is refused."""
    gone = "echo 'Error: which has 0 GPUs'; exit 2"
    local = launch(f"test $(wc -l < {tmp_path / 'pids'}) -gt 1 && {{ {gone}; }}; {LOSE}", ("cuda:0",))
    with pytest.raises(DeviceError, match=r"^no device is left: cuda:0 lost twice in a row; which has 0 GPUs$"):
        local.run(lambda: None)


def test_the_password_is_in_no_command_line_and_the_log_is_private(
    tmp_path: Path, scripted_study: tuple[Store, StudyRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("postgresql://me:canary@127.0.0.1:1/studies")
    record = StudyRecord(**{**vars(scripted_study[1]), "files": str(tmp_path), "name": "-x"})
    monkeypatch.setattr(store, "counts", lambda _: {"waiting": 1})
    seen: list[psutil.Process] = []
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nsleep 60\n")
    python.chmod(stat.S_IRWXU)
    monkeypatch.setattr("lrlc_nas.engine.launchers.local.sys.executable", str(python))

    def look() -> None:
        # Other tests of this process may have left a fork server or a browser's driver behind.
        seen.extend(child for child in psutil.Process().children() if "worker" in child.cmdline())
        (worker,) = seen
        words = worker.cmdline()
        assert words[-2:] == ["--", "-x"]  # a name is never an option
        assert not any("canary" in word for word in words)
        assert worker.environ()["LRLC_NAS_STORAGE"] == "postgresql+psycopg://me:canary@127.0.0.1:1/studies"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LocalWorkers(store, record, ["cpu"]).run(look)
    (log,) = tmp_path.rglob("worker-0.log")
    assert log.stat().st_mode & 0o077 == 0
    assert study_folder(store, record).stat().st_mode & 0o077 == 0


def test_a_worker_imports_what_its_supervisor_does_whatever_lies_in_the_folder(
    scripted_study: tuple[Store, StudyRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    (tmp_path / "random.py").write_text("raise SystemExit('the random module of the folder')\n")
    store, record = scripted_study
    monkeypatch.setattr(store, "counts", lambda _: {"waiting": 1})
    no_such_study = StudyRecord(**{**vars(record), "name": "other"})
    with pytest.raises(LrlcNasError, match="worker 0: no study 'other' in sqlite:"):
        LocalWorkers(store, no_such_study, ["cpu"]).run(lambda: None)


@pytest.mark.parametrize(
    ("variable", "workers", "threads"), [("3", 2, "3"), ("", 1, "8"), ("", 3, "2"), ("", 9, "1"), ("x", 2, "4")]
)
def test_threads_are_what_the_user_set_or_a_share_of_the_cores(
    launch: Callable[..., LocalWorkers],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    workers: int,
    threads: str,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    told = tmp_path / "told"
    local = launch(f'echo "$@" >> {told}\nexit 0', ("cpu",) * workers, runs={"complete": 1})
    local.run(lambda: None)
    assert told.read_text().count(f" --threads {threads} ") == workers
