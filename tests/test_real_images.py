"""Studies on real data sets, killed and resumed, against the same studies left alone.

They want MNIST, Fashion-MNIST and CIFAR-10 as an image folder below LRLC_NAS_TEST_IMAGES.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lrlc_nas.store import Store

IMAGES = os.environ.get("LRLC_NAS_TEST_IMAGES")
STUDIES = Path(__file__).parent.parent / "studies"
TRIALS = 6
KILLS = 3

pytestmark = pytest.mark.skipif(IMAGES is None, reason="LRLC_NAS_TEST_IMAGES names no folder of data sets")


@dataclass(frozen=True)
class Case:
    study: str
    overrides: tuple[str, ...]


SMALL = (
    "recipe.epochs=3",
    "recipe.batch_size=32",
    "search.host_repeats=2",
    "search.min_epochs=1",
    f"budget.trials={TRIALS}",
)
# Two studies may find different paths to be the faster, and those differ in the last bits.
CASES = [
    Case("mnist", ("recipe.path=bank", "host.options.channels=8", "data.split.train=600", "data.split.search=400")),
    Case(
        "fashion-mnist",
        ("recipe.path=kernel", "host.options.channels=8", "data.split.train=600", "data.split.search=400"),
    ),
    Case(
        "cifar10-resnet18",
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


def start(case: Case, root: Path) -> list[str]:
    data = f"data.root={root}"
    if case.study.startswith("cifar10"):
        data = f"data.name=imagefolder:{root / 'cifar10-jpeg'}"
    sets = [word for each in (*SMALL, *case.overrides, data) for word in ("--set", each)]
    return command("start", str(STUDIES / f"{case.study}.toml"), "--workers", "1", *sets)


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


def epochs_recorded(folder: Path, name: str) -> int:
    store = Store(f"sqlite:///{folder / 'lrlc-nas.db'}")
    if name not in store.names():
        return 0
    return sum(len(history) for history in store.epochs(store.study(name)).values())


def kill_after_epochs(words: list[str], folder: Path, name: str, epochs: int) -> bool:
    """Start, kill -9 the command and its workers when so many epochs are recorded; False if it ended before."""
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while process.poll() is None and epochs_recorded(folder, name) < epochs:
        assert time.monotonic() < deadline, facts(folder, name)
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
    pytest.param(case, id=case.study, marks=pytest.mark.slow if case.study == "fashion-mnist" else ())  # as mnist
    for case in CASES
]


@pytest.mark.parametrize("case", CASES_TO_TRY)
def test_killed_and_resumed_equals_left_alone(case: Case, root: Path, tmp_path: Path) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    alone.mkdir()
    killed.mkdir()
    subprocess.run(start(case, root), cwd=alone, check=True, stdout=subprocess.DEVNULL, timeout=600)
    kills = 0
    words = start(case, root)
    for kill in range(KILLS):
        kills += kill_after_epochs(words, killed, case.study, 1 + 4 * kill)
        words = command("resume", case.study, "--workers", "1")
    subprocess.run(words, cwd=killed, check=True, stdout=subprocess.DEVNULL, timeout=600)
    assert kills == KILLS
    assert len(facts(alone, case.study)) == TRIALS
    assert facts(killed, case.study) == facts(alone, case.study)
