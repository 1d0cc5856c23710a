"""What a worker process does with signals, and with the end of its parent."""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lrlc_nas.launchers import process


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Exited(BaseException):
    """Stands in for the end of the process."""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Callable[[], bool]], None]], None]:
    """Run a worker process whose work is the given function of `should_stop`."""

    def leave(code: int) -> None:
        raise Exited(code)

    monkeypatch.setattr(os, "_exit", leave)

    def run(body: Callable[[Callable[[], bool]], None]) -> None:
        class Fake:
            def __init__(self, *_: Any, should_stop: Callable[[], bool], **__: Any) -> None:
                self.should_stop = should_stop

            def work(self) -> None:
                body(self.should_stop)

        class Study:
            store = record = prepared = None

        monkeypatch.setattr(process, "Worker", Fake)
        process.run_worker(Study(), device="cpu", threads=None, parent=None)  # type: ignore[arg-type]

    return run


@pytest.mark.parametrize("number", SIGNALS)
def test_one_signal_asks_the_work_to_stop(
    work: Callable[[Callable[[Callable[[], bool]], None]], None], number: signal.Signals
) -> None:
    asked: list[bool] = []

    def body(should_stop: Callable[[], bool]) -> None:
        asked.append(should_stop())
        signal.raise_signal(number)
        asked.append(should_stop())

    work(body)
    assert asked == [False, True]


@pytest.mark.parametrize("second", SIGNALS)
def test_a_second_signal_ends_at_once(
    work: Callable[[Callable[[Callable[[], bool]], None]], None], second: signal.Signals
) -> None:
    def body(_: Callable[[], bool]) -> None:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(second)

    with pytest.raises(Exited, match="130"):
        work(body)


def test_it_ends_with_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter([7, 7, 1])
    naps: list[float] = []

    def leave(code: int) -> None:
        raise Exited(code)

    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(process.time, "sleep", naps.append)
    with pytest.raises(Exited, match="1"):
        process._end_with(7)
    assert len(naps) == 2
