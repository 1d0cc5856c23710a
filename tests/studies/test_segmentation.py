"""A U-Net in a plain loop: killed at random moments, its study ends as one that nobody disturbed; then to the end."""

import json
import random
import signal
import time
from pathlib import Path

import psutil
import pytest
import small_tasks
from command_line import Running, call, epochs

from lrlc_nas.choices import Plan
from lrlc_nas.engine import open_study, open_test
from lrlc_nas.engine.export import trained_weights
from lrlc_nas.report import read_study
from lrlc_nas.report.tested import tested_arms as arms_tested
from lrlc_nas.store import Store

TRIALS, EPOCHS = 10, 4
SETTINGS = ("search.sampler=random", "search.pruner=none", "recipe.path=bank", 'space.choices=["lrlc-2", "lrlc-4"]')


def start() -> tuple[str, ...]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return ("start", "--task", "small_tasks:iou", "--name", "seg", "--trials", str(TRIALS), *settings)


def values(folder: Path) -> dict[tuple[str, int], list[float]]:
    """Plan and seed to the values of all epochs."""
    reading = read_study(Store(f"sqlite:///{folder}/lrlc-nas.db"), "seg")
    return {
        (str(run.plan), run.seed): [epoch.value for epoch in reading.epochs[run.run_id]]
        for run in reading.runs
        if run.state == "complete"
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, trained by one worker."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert call(*start(), "--workers", "1", folder=folder).code == 0
    return folder


def kill(running: Running) -> None:
    """Everything at once, as a power cut does."""
    processes = [psutil.Process(running.process.pid), *psutil.Process(running.process.pid).children(recursive=True)]
    for process in processes:
        process.suspend()
    for process in processes:
        process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=20)


def killed_study(folder: Path, kills: int) -> None:
    chance = random.Random(0)
    for number in range(kills):
        exists = epochs(folder) > 0
        words = ("resume", "seg") if exists else start()
        with Running(folder, (*words, "--workers", "2")) as running:
            before, deadline = epochs(folder), time.monotonic() + 60
            while epochs(folder) == before and running.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(chance.uniform(0, 0.2))
            if running.process.poll() is None:
                kill(running)
            elif number < 2:
                pytest.fail(f"it ended by itself: {running.wait()}")
    done = call("resume", "seg", "--workers", "2", folder=folder)
    assert (done.code, done.err) == (0, "")


@pytest.fixture(scope="module", params=[2, pytest.param(10, marks=pytest.mark.slow)])
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    killed_study(folder, request.param)
    return folder


def test_the_budget_is_exact_and_each_epoch_there_once_with_the_values_of_a_quiet_study(
    killed: Path, undisturbed: Path
) -> None:
    found, wanted = values(killed), values(undisturbed)
    assert len(found) == len(wanted) == TRIALS
    assert all(len(each) == EPOCHS for each in found.values())
    assert found == wanted


def test_it_is_confirmed_tested_reported_and_exported_in_its_own_words(killed: Path, tmp_path: Path) -> None:
    refused = call("confirm", "seg", "--seeds", "2", "--workers", "1", folder=killed)
    assert refused.code == 2
    assert "--smallest-effect is required for the metric 'IoU'" in refused.err
    claim = ("--site", "deep.0", "--choice", "lrlc-2", "--seeds", "2", "--smallest-effect", "0.5")
    for words in (("confirm", "seg", *claim, "--workers", "2"), ("show", "seg"), ("list",)):
        done = call(*words, folder=killed)
        assert (done.code, done.err) == (0, "")
        assert "accuracy" not in done.out
    page = killed / "seg.html"
    assert call("report", "seg", "--trust", "-o", str(page), folder=killed).code == 0
    assert "accuracy" not in page.read_text().split("</script>")[-1].lower()
    assert "IoU" in page.read_text()
    assert call("cards", "seg", "-o", str(tmp_path / "cards"), folder=killed).code == 0
    for card in (tmp_path / "cards").iterdir():
        assert "accuracy" not in card.read_text().lower()
    done = call("export", "seg", "-o", str(tmp_path / "best"), folder=killed)
    assert done.code == 0
    assert json.loads((tmp_path / "best" / "plan.json").read_text())["metric"] == "IoU"


def test_the_test_split_is_opened_by_the_score_of_the_task(killed: Path) -> None:
    store = Store(f"sqlite:///{killed}/lrlc-nas.db")
    study = open_study(store, store.confirmation_of(store.study("seg")).name)
    seeds = sorted({run.seed for run in store.runs(study.record)})
    opening = open_test(store, study, {"host": Plan()}, seeds)
    tested = arms_tested(opening, study.record.metric)[0]
    assert (tested.arm, tested.seeds) == ("host", len(seeds))
    for seed, value in opening.values["host"].items():
        run = next(run for run in store.runs(study.record) if run.plan == Plan() and run.seed == int(seed))
        network = study.prepared.network(Plan(), run.seed)
        network.load_state_dict(trained_weights(store, study.record, run)["network"])
        assert value == small_tasks.iou.score(network, "test")
