"""How real processes answer to signals, and to the end of the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from lrlc_nas.signals import ENDING_SIGNALS

OTHERS = [number for number in ENDING_SIGNALS if number != signal.SIGINT]

START = "import os, sys, time\nfrom lrlc_nas.signals import Stop, interrupt_once\nstop = Stop()\n"
LISTEN = "stop.listen()\n"
BEGIN = "stop.begin()\n"
READY = "print('ready', flush=True)\n"
WORK = "while not stop.is_asked():\n    time.sleep(0.01)\nprint('asked', flush=True)\n"
HANG = "while True:\n    time.sleep(0.01)\n"
INTERRUPTED = """
interrupt_once()
for said in 'ready', 'again':
    try:
        print(said, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print('interrupted', flush=True)
"""
CHILD = "stop.listen(os.getppid())\n"
SUPERVISOR = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(120)
"""

Spawn = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start a script and wait until it is ready."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, ignored: signal.Signals | None = None) -> subprocess.Popen[str]:
        script = START + (f"import signal\nsignal.signal({ignored:d}, signal.SIG_IGN)\n" if ignored else "") + script
        started.append(subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True))
        assert line_of(started[-1]) == "ready"
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", ENDING_SIGNALS, ids=lambda number: number.name)
def test_whoever_holds_nothing_yet_ends_at_once(spawn: Spawn, number: signal.Signals) -> None:
    process = spawn(LISTEN + READY + HANG)
    process.send_signal(number)
    assert process.wait(30) == 0


@pytest.mark.parametrize("number", ENDING_SIGNALS, ids=lambda number: number.name)
def test_a_signal_asks_the_work_to_end(spawn: Spawn, number: signal.Signals) -> None:
    process = spawn(LISTEN + BEGIN + READY + WORK)
    process.send_signal(number)
    assert line_of(process) == "asked"
    assert process.wait(30) == 0


def test_batch_systems_may_send_many(spawn: Spawn) -> None:
    process = spawn(LISTEN + BEGIN + READY + WORK + HANG)
    process.send_signal(signal.SIGINT)
    assert line_of(process) == "asked"
    for number in OTHERS:
        process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)


@pytest.mark.parametrize("first", ENDING_SIGNALS, ids=lambda number: number.name)
def test_a_second_interrupt_ends_at_once(spawn: Spawn, first: signal.Signals) -> None:
    process = spawn(LISTEN + BEGIN + READY + WORK + HANG)
    process.send_signal(first)
    assert line_of(process) == "asked"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


@pytest.mark.parametrize("script", [LISTEN + READY + HANG, INTERRUPTED], ids=["stop", "interrupt"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_what_was_to_be_ignored_is_ignored(spawn: Spawn, script: str, number: signal.Signals) -> None:
    """By nohup, or by a shell that has started this in its background."""
    process = spawn(script, ignored=number)
    process.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)


@pytest.mark.parametrize("number", ENDING_SIGNALS, ids=lambda number: number.name)
def test_the_first_signal_interrupts_and_after_it_ctrl_c_alone(spawn: Spawn, number: signal.Signals) -> None:
    process = spawn(INTERRUPTED)
    process.send_signal(number)
    assert [line_of(process), line_of(process)] == ["interrupted", "again"]
    for other in OTHERS:
        process.send_signal(other)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGINT)
    assert line_of(process) == "interrupted"
    assert process.wait(30) == 0


DROPPED = """
from lrlc_nas.signals import is_hurried, require_uninterrupted
class Dropping:
    def __del__(self):
        print('ready', flush=True)
        time.sleep(60)
interrupt_once()
Dropping()
try:
    require_uninterrupted()
except KeyboardInterrupt:
    print(is_hurried(), flush=True)
interrupt_once()
require_uninterrupted()
"""


@pytest.mark.parametrize("number", ENDING_SIGNALS, ids=lambda number: number.name)
def test_an_interrupt_that_python_drops_is_not_lost(spawn: Spawn, number: signal.Signals) -> None:
    process = spawn(DROPPED)
    process.send_signal(number)
    assert line_of(process) == "False"
    assert process.wait(30) == 0


def test_a_second_interrupt_is_remembered(spawn: Spawn) -> None:
    process = spawn(INTERRUPTED + "from lrlc_nas.signals import is_hurried\nprint(is_hurried(), flush=True)\n")
    process.send_signal(signal.SIGTERM)
    assert [line_of(process), line_of(process)] == ["interrupted", "again"]
    process.send_signal(signal.SIGINT)
    assert [line_of(process), line_of(process)] == ["interrupted", "True"]


@pytest.mark.parametrize(
    ("work", "said"),
    [(READY + HANG, ""), (BEGIN + READY + WORK, "asked"), (BEGIN + READY + WORK + HANG, "asked")],
    ids=["holds nothing", "works", "hangs"],
)
def test_it_ends_with_its_parent_politely_if_that_can_be(work: str, said: str) -> None:
    command = [sys.executable, "-c", SUPERVISOR, START + CHILD + work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(line_of(parent)))
        assert line_of(parent) == "ready"
        parent.kill()
        killed = time.monotonic()
        try:
            assert line_of(parent) == said  # the child has inherited the pipe
            child.wait(30)
            assert time.monotonic() - killed < 5
        finally:
            if child.is_running():
                os.kill(child.pid, signal.SIGKILL)
