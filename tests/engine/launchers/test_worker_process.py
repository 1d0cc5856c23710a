"""What a worker process does when it is asked to end, cannot work any more, or hangs."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lrlc_nas.engine.launchers import process
from lrlc_nas.errors import DeviceError, OutageError
from lrlc_nas.signals import Stop

Body = Callable[[Callable[[], bool]], None]


class Asked(Stop):
    """Was asked to end when the work had begun."""

    def begin(self) -> None:
        super().begin()
        self._hear(15, None)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Body, Stop], None]:
    """Run a worker process whose work is the given function of `should_stop`."""

    def run(body: Body, stop: Stop) -> None:
        class Fake:
            def __init__(self, *_: Any, should_stop: Callable[[], bool], **__: Any) -> None:
                self.should_stop = should_stop

            def work(self) -> None:
                body(self.should_stop)

        class Study:
            store = record = prepared = None

        monkeypatch.setattr(process, "Worker", Fake)
        process.run_worker(Study(), device="cpu", threads=None, stop=stop)  # type: ignore[arg-type]

    return run


def give_up(_: Callable[[], bool]) -> None:
    raise OutageError("the database does not answer for 600 s")


@pytest.mark.parametrize(("stop", "asked"), [(Stop(), False), (Asked(), True)])
def test_the_work_hears_who_asks(work: Callable[[Body, Stop], None], stop: Stop, asked: bool) -> None:
    heard: list[bool] = []
    work(lambda should_stop: heard.append(should_stop()), stop)
    assert heard == [asked]


def test_an_outage_that_outlasts_patience_is_an_error(work: Callable[[Body, Stop], None]) -> None:
    with pytest.raises(OutageError, match="does not answer for 600 s"):
        work(give_up, Stop())


def test_who_is_asked_to_end_during_an_outage_ends_politely(
    work: Callable[[Body, Stop], None], caplog: pytest.LogCaptureFixture
) -> None:
    work(give_up, Asked())
    assert caplog.messages == ["stopped during an outage: the database does not answer for 600 s"]


HANGING = """
import threading
from lrlc_nas.engine.launchers.process import _end_hanging
threading.Timer(0.1, _end_hanging, ("run 3: no step has ended for 1800 s",)).start()
def never_ending_step():
    threading.Event().wait()
never_ending_step()
"""


def test_a_process_that_hangs_says_where_and_ends() -> None:
    command = [sys.executable, "-c", HANGING]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    assert done.returncode == 1
    assert "in never_ending_step" in done.stderr
    assert done.stderr.rstrip().endswith("run 3: no step has ended for 1800 s; this worker ends")


def test_who_has_lost_its_device_says_so_and_ends_at_once(
    work: Callable[[Body, Stop], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)

    def lose(_: Callable[[], bool]) -> None:
        raise DeviceError("run 3: cuda:0 is lost to its worker: CUDA error: unknown error")

    work(lose, Stop())
    assert codes == [DeviceError.exit_code] == [75]
    said = capsys.readouterr().err
    assert said == "Error: run 3: cuda:0 is lost to its worker: CUDA error: unknown error\n"
