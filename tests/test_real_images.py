"""Studies on real data sets, killed and resumed, against the same studies left alone.

They want MNIST, Fashion-MNIST and CIFAR-10 as an image folder below LRLC_NAS_TEST_IMAGES.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from lrlc_nas.config import load_config
from lrlc_nas.engine import Worker, start_study
from lrlc_nas.engine.launchers.devices import worker_threads
from lrlc_nas.store import Store

IMAGES = os.environ.get("LRLC_NAS_TEST_IMAGES")
STUDIES = Path(__file__).parent.parent / "studies"
TRIALS = 4

pytestmark = pytest.mark.skipif(IMAGES is None, reason="LRLC_NAS_TEST_IMAGES names no folder of data sets")


@dataclass(frozen=True)
class Case:
    study: str
    kills: int
    overrides: tuple[str, ...]


SMALL = (
    "recipe.epochs=3",
    "recipe.batch_size=32",
    "search.host_repeats=2",
    "search.min_epochs=1",
    'search.pruner="successive-halving"',
    f"budget.trials={TRIALS}",
)
# Two studies may find different paths to be the faster, and those differ in the last bits.
CASES = [
    Case("mnist", 2, ("recipe.path=bank", "host.options.channels=8", "data.split.train=320", "data.split.search=200")),
    Case(
        "fashion-mnist",
        3,
        ("recipe.path=kernel", "host.options.channels=8", "data.split.train=600", "data.split.search=400"),
    ),
    Case(
        "cifar10-resnet18",
        1,
        (
            "recipe.path=kernel",
            *("data.split.train=96", "data.split.search=64", "data.split.confirm=64"),
            'space.sites=["layer4*"]',  # the deep ones: full maps would cost gigabytes of checkpoints
        ),
    ),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data sets, with 24 + 4 images of each class of CIFAR-10."""
    assert IMAGES is not None
    folder = tmp_path_factory.mktemp("images")
    for name in ("MNIST", "FashionMNIST"):
        (folder / name).symlink_to(Path(IMAGES) / name)
    for part, number in (("train", 24), ("test", 4)):
        for source in sorted((Path(IMAGES) / "cifar10-jpeg" / part).iterdir()):
            target = folder / "cifar10-jpeg" / part / source.name
            target.mkdir(parents=True)
            for image in sorted(source.iterdir())[:number]:
                shutil.copy(image, target)
    return folder


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "lrlc_nas", *words]


def overrides(case: Case, root: Path) -> list[str]:
    data = f"data.root={root}"
    if case.study.startswith("cifar10"):
        data = f"data.name=imagefolder:{root / 'cifar10-jpeg'}"
    return [*SMALL, *case.overrides, data]


def start(case: Case, root: Path) -> list[str]:
    sets = [word for each in overrides(case, root) for word in ("--set", each)]
    return command("start", str(STUDIES / f"{case.study}.toml"), "--workers", "1", *sets)


def train_here(case: Case, root: Path, folder: Path) -> None:
    """Train the study in this process, on as many threads as its one worker has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(worker_threads(1))
    store = Store(f"sqlite:///{folder / 'lrlc-nas.db'}")
    study = start_study(store, load_config(STUDIES / f"{case.study}.toml", overrides(case, root)))
    Worker(store, study.record, study.prepared, device="cpu").work()
    store.engine.dispose()
    torch.set_num_threads(threads)


def facts(folder: Path, name: str) -> list[Any]:
    """All of a study that must not depend on how often it was interrupted."""
    store = Store(f"sqlite:///{folder / 'lrlc-nas.db'}")
    study = store.study(name)
    epochs = store.epochs(study)
    return [
        (
            *(run.number, run.plan, run.seed, run.state, run.reason, run.value),
            *((e.epoch, e.scores["train_loss"], e.scores["loss"], e.value) for e in epochs.get(run.run_id, [])),
        )
        for run in store.runs(study)
    ]


def epochs_recorded(folder: Path) -> int:
    """How many there are; asked often, and so without any of ours."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'lrlc-nas.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM nas_epoch").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # no tables yet


def kill_after_epochs(words: list[str], folder: Path, epochs: int) -> bool:
    """Start, kill -9 the command and its workers when so many epochs are recorded; False if it ended before."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while process.poll() is None and epochs_recorded(folder) < epochs:
        assert time.monotonic() < deadline, epochs_recorded(folder)
        time.sleep(0.05)
    if process.poll() is not None:
        return False
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
    return True


CASES_TO_TRY = [
    pytest.param(case, id=case.study, marks=() if case.study == "mnist" else pytest.mark.slow) for case in CASES
]


@pytest.mark.parametrize("case", CASES_TO_TRY)
def test_killed_and_resumed_equals_left_alone(case: Case, root: Path, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    alone.mkdir()
    killed.mkdir()
    train_here(case, root, alone)
    words, kills = start(case, root), 0
    for kill in range(case.kills):
        kills += kill_after_epochs(words, killed, 1 + 4 * kill)
        words = command("resume", case.study, "--workers", "1")
    subprocess.run(words, cwd=killed, check=True, stdout=subprocess.DEVNULL, timeout=600)
    assert kills == case.kills
    assert len(facts(alone, case.study)) == TRIALS
    assert facts(killed, case.study) == facts(alone, case.study)
