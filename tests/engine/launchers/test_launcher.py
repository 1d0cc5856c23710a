"""A launcher is one class and one line in a table; the command line asks for no more than the protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import toy_study

from lrlc_nas.cli.training import train
from lrlc_nas.engine import OpenStudy, Worker
from lrlc_nas.engine.launchers import LAUNCHERS, LocalWorkers, make_launcher
from lrlc_nas.errors import InputError
from lrlc_nas.store import Store


@dataclass
class Here:
    """Trains in the process that launches."""

    study: OpenStudy
    asked: int | None
    device: str | None
    hurried: bool = False
    interrupt: bool = False

    @property
    def workers(self) -> int:
        return 1 if self.asked is None else self.asked

    def done(self) -> bool:
        return self.study.store.is_done(self.study.record)

    def run(self, tick: Callable[[], None]) -> None:
        if self.interrupt:
            raise KeyboardInterrupt
        Worker(self.study.store, self.study.record, self.study.prepared, device=self.device or "cpu").work()
        tick()


@pytest.fixture
def url(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(LAUNCHERS, "here", Here)
    monkeypatch.setenv("LRLC_NAS_LAUNCHER", "here")
    return store.url.render_as_string()


def test_a_study_is_trained_by_another_launcher(
    study: OpenStudy, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(study, None, None, url)
    assert all(run.finished for run in study.store.runs(study.record))
    assert ", 1 worker\n" in capsys.readouterr().out
    assert (tmp_path / "toy-report.html").exists()


def test_whoever_interrupts_it_is_told_how_to_resume(
    study: OpenStudy, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(LAUNCHERS, "here", lambda *arguments: Here(*arguments, interrupt=True))
    train(study, None, None, url)
    assert "lrlc-nas resume --storage" in capsys.readouterr().out


def test_without_workers_nothing_is_trained(study: OpenStudy, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    train(study, 0, None, url)
    assert study.store.counts(study.record) == {"waiting": toy_study.TRIALS}
    assert "lrlc-nas worker --storage" in capsys.readouterr().out


def test_local_processes_are_the_launcher_of_that_name(study: OpenStudy) -> None:
    local = make_launcher("local", study, 2, "cpu")
    assert isinstance(local, LocalWorkers)
    assert (local.workers, local.devices, local.hurried, local.done()) == (2, ["cpu", "cpu"], False, False)


def test_an_unknown_launcher_is_refused_with_those_that_there_are(study: OpenStudy) -> None:
    with pytest.raises(InputError, match=r"local.* got 'slurm'"):
        make_launcher("slurm", study, None, None)
