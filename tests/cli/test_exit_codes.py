"""What a command ends with when training cannot go on, or one of its runs kills the workers."""

from pathlib import Path

import pytest
from command_line import Done, Running, call, query

from lrlc_nas.engine.run_end import MOST_CRASHES
from lrlc_nas.errors import (
    CheckpointError,
    DeviceError,
    DiskError,
    FencedError,
    InputError,
    LrlcNasError,
    OutageError,
    StorageError,
    StudyStoppedError,
)

HOST = """
import ctypes, os
from collections import OrderedDict
from torch import nn
from lrlc_nas.errors import DiskError, OutageError


class Host(nn.Sequential):
    def forward(self, images):
        relaxed = [not isinstance(site, nn.Conv2d) for site in (self.first, self.second)]
        if self.training and relaxed in self.relaxed:
            self.trouble()
        return super().forward(images)


def disk():
    raise DiskError("no room for 3 bytes")


def outage():
    raise OutageError("the database does not answer for 600 s")


def bug():
    raise ValueError("no such kernel")


def leave():
    os._exit(13)


def crash():
    ctypes.string_at(0)


def host(channels, classes, size, trouble, relaxed):
    side = size[0] - 4
    sites = OrderedDict(
        first=nn.Conv2d(channels, 2, 3), second=nn.Conv2d(2, 2, 3), flat=nn.Flatten(),
        logits=nn.Linear(2 * side * side, classes),
    )
    network = Host(sites)
    network.trouble, network.relaxed = globals()[trouble], relaxed
    return network
"""
STUDY = """
name = "troubled"
[host]
name = "troubled_host:host"
options = {{trouble = "{trouble}", relaxed = {relaxed}}}
[data.split]
train = 60
search = 60
[recipe]
epochs = 2
batch_size = 20
path = "bank"
[space]
choices = ["lrlc-2", "lc"]
[search]
host_repeats = 1
pruner = "none"
[budget]
trials = 9
"""
ANY, SECOND = "[[true, false], [false, true], [true, true]]", "[[false, true]]"


def start(folder: Path, trouble: str, relaxed: str, *options: str, seconds: float = 90.0) -> Done:
    (folder / "troubled_host.py").write_text(HOST)
    (folder / "study.toml").write_text(STUDY.format(trouble=trouble, relaxed=relaxed))
    with Running(folder, ("start", "study.toml", *options)) as running:
        return running.wait(seconds)


def ends(folder: Path) -> list[tuple[object, ...]]:
    return query(folder, "SELECT state, reason FROM nas_run ORDER BY number")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (LrlcNasError, 1),
        (StudyStoppedError, 1),
        (CheckpointError, 1),
        (FencedError, 1),
        (OSError, 1),
        (InputError, 2),
        (StorageError, 2),
        (OutageError, 69),
        (DiskError, 74),
        (DeviceError, 75),
    ],
)
def test_each_kind_of_error_has_its_code(kind: type[Exception], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise kind("as it is")

    monkeypatch.setattr("lrlc_nas.store.Store", fail)
    done = call("list")
    assert (done.code, done.out, done.err) == (code, "", "Error: as it is\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "code", "said"),
    [("disk", 74, "no room for 3 bytes"), ("outage", 69, "the database does not answer for 600 s")],
)
def test_what_ends_a_worker_ends_the_command(tmp_path: Path, trouble: str, code: int, said: str) -> None:
    done = start(tmp_path, trouble, ANY)
    assert (done.code, done.err) == (code, f"Error: {said}\n")
    assert {state for state, _ in ends(tmp_path)} == {"complete", "waiting"}
    assert query(tmp_path, "SELECT 1 FROM nas_run WHERE done = 0 AND (expires > 0 OR crash_count > 0)") == []


def test_the_same_error_three_times_stops_the_study_with_one_trace(tmp_path: Path) -> None:
    done = start(tmp_path, "bug", ANY, "--workers", "1")
    said = "study 'troubled': the last 3 runs ended with the same error: ValueError: no such kernel"
    assert (done.code, done.err) == (1, f"Error: {said}\n")
    states = [state for state, _ in ends(tmp_path)]
    assert states == ["complete"] + ["failed"] * 3 + ["waiting"] * 5
    (log,) = tmp_path.rglob("worker-0.log")
    assert log.read_text().count("Traceback") == 1


@pytest.mark.slow
def test_a_worker_on_its_own_ends_like_any_command_then(tmp_path: Path) -> None:
    start(tmp_path, "bug", ANY, "--workers", "0")
    with Running(tmp_path, ("worker", "troubled")) as running:
        done = running.wait()
    assert done.code == 1
    assert done.err.count("Traceback") == 1


@pytest.mark.slow
@pytest.mark.parametrize(("trouble", "workers"), [("leave", "2"), ("crash", "1")])
def test_runs_that_kill_their_workers_fail_and_all_others_are_trained(
    tmp_path: Path, trouble: str, workers: str
) -> None:
    """Two of them, so that two workers may die at once; the supervisor does not lose heart."""
    done = start(tmp_path, trouble, SECOND, "--workers", workers, seconds=600.0)
    assert (done.code, done.err) == (0, "")
    found = ends(tmp_path)
    assert len(found) == 9
    assert [end for end in found if end != ("complete", "")] == [
        ("failed", f"error: its worker died {MOST_CRASHES} times in epoch 0")
    ] * 2
