"""Faults: what arms them, what they do, and that every name stands for one place in the code."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lrlc_nas
from lrlc_nas import fault_points as faults
from lrlc_nas.errors import InputError
from lrlc_nas.fault_points import ACTIONS, POINTS, VARIABLE, Fault, arm, fault_point, watch

PACKAGE = Path(lrlc_nas.__file__).parent
POINT = "claim.stored"
SCRIPT = f"from lrlc_nas.fault_points import fault_point; [fault_point({POINT!r}) for _ in range(3)]; print('alive')"


@pytest.fixture(autouse=True)
def _inert():
    yield
    watch(None)


def run(fault, script=SCRIPT):
    environment = os.environ | {VARIABLE: str(fault)}
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)


def test_every_point_stands_in_the_code_once_and_every_name_is_explained():
    code = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert sorted(re.findall(r'fault_point\("([^"]+)"\)', code)) == sorted(POINTS)
    assert all(POINTS.values())


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("once", [None, Path("/tmp/a:b")])
def test_a_fault_is_read_back(action, once):
    fault = Fault(POINT, 12, action, once)
    assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "LRLC_NAS_FAULT: the point must be one of study.commit, .*; got ''"),
        ("nowhere:1:kill", "the point must be one of .*; got 'nowhere'"),
        (f"{POINT}:0:kill", "N in POINT:N:ACTION must be a number from 1; got '0'"),
        (f"{POINT}:-1:kill", "must be a number from 1; got '-1'"),
        (f"{POINT}:²:kill", "must be a number from 1; got '²'"),
        (f"{POINT}:1:explode", "the action must be one of kill, .*, hang; got 'explode'"),
        (POINT, "must be a number from 1; got ''"),
    ],
)
def test_what_is_no_fault_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        Fault.parse(text)


def test_nothing_is_armed_by_itself():
    assert faults._passed is None
    for point in POINTS:
        fault_point(point)


@pytest.mark.parametrize(("action", "code"), [("raise", errno.EIO), ("disk-full", errno.ENOSPC)])
def test_errors_come_at_the_passage_that_is_named_and_at_no_other(action, code):
    arm(Fault(POINT, 2, action))
    fault_point(POINT)
    fault_point("claim.commit")
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        fault_point(POINT)
    assert caught.value.errno == code
    fault_point(POINT)


def test_watching_takes_the_place_of_a_fault():
    arm(Fault(POINT, 1, "raise"))
    passed = []
    watch(passed.append)
    for point in (POINT, "plan.shown", POINT):
        fault_point(point)
    assert passed == [POINT, "plan.shown", POINT]


@pytest.mark.parametrize(("action", "number"), [("kill", signal.SIGKILL), ("terminate", signal.SIGTERM)])
def test_the_variable_arms_a_process(action, number):
    done = run(Fault(POINT, 3, action))
    assert (done.returncode, done.stdout) == (-number, "")
    assert run(Fault(POINT, 4, action)).stdout == "alive\n"


def test_a_hanging_process_waits_to_be_killed(tmp_path):
    fault = Fault(POINT, 1, "hang", tmp_path / "once")
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=os.environ | {VARIABLE: str(fault)}) as process:
        while not fault.once.exists():
            assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL


def test_of_all_processes_that_share_a_file_one_meets_the_fault(tmp_path):
    fault = Fault(POINT, 1, "kill", tmp_path / "once")
    assert run(fault).returncode == -signal.SIGKILL
    assert run(fault).stdout == "alive\n"
    fault.once.unlink()
    assert run(fault).returncode == -signal.SIGKILL


def test_a_file_that_cannot_be_made_spares_everybody(tmp_path):
    assert run(Fault(POINT, 1, "kill", tmp_path / "missing" / "once")).stdout == "alive\n"


def test_a_variable_that_is_wrong_is_one_line_of_the_command():
    script = "import sys; sys.argv = ['lrlc-nas', 'resume', 'toy']; from lrlc_nas.cli import main; main()"
    done = run("claim.stored:1:explode", script)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: LRLC_NAS_FAULT: the action must be one of .*; got 'explode'\n", done.stderr)
