"""Studies of other people's kind, each at a small size: a regression that is minimized, speech, Lightning."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import call

from lrlc_nas import Study
from lrlc_nas.choices import Plan

STUDIES = Path(__file__).parents[2] / "studies"
STRANGERS = ("segmentation", "rotation", "lightning_garments", "spoken_digits")


@pytest.mark.parametrize("name", STRANGERS)
def test_a_study_of_somebodys_training_has_at_most_sixty_lines(name: str) -> None:
    assert len((STUDIES / f"{name}.py").read_text().splitlines()) <= 60


def test_a_regression_is_minimized(tmp_path: Path) -> None:
    study = Study("turned", "small_tasks:angle", storage=f"sqlite:///{tmp_path}/db", space={"choices": ["lrlc-2"]})
    reading = study.start(trials=8, workers=1)
    assert reading.metric.direction == "minimize"
    complete = [run for run in reading.runs if run.state == "complete"]
    assert reading.screening.best == min(complete, key=lambda run: (run.value, run.number))
    pruned = [run for run in reading.runs if run.state == "pruned"]
    rung = min(len(reading.epochs[run.run_id]) for run in pruned) if pruned else None
    for run in pruned:  # it was pruned for an error that was larger than that of half of those before it
        at = len(reading.epochs[run.run_id]) - 1
        others = [epochs[at].value for key, epochs in reading.epochs.items() if len(epochs) > at and key != run.run_id]
        assert any(value < reading.epochs[run.run_id][at].value for value in others), rung
    hosts = [run.value for run in complete if run.plan == Plan()]
    assert reading.screening.host.mean == pytest.approx(sum(hosts) / len(hosts))
    confirmed = study.confirm({"first": {"0": "lrlc-2"}}, seeds=2, smallest_effect=1.0, workers=1)
    (result,) = confirmed.confirmation.conclusion.results
    arms = {
        plan: [run.value for run in confirmed.confirmation.runs if run.plan == plan] for plan in (Plan(), result.plan)
    }
    gain = (sum(arms[Plan()]) - sum(arms[result.plan])) / 2  # degrees that the error falls by
    assert result.verdict.comparison.difference == pytest.approx(gain)


def lightning(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(STUDIES.parent), *sys.path])}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *words], cwd=folder, env=environment, text=True, capture_output=True
    )


def test_a_lightning_module_is_trained_and_pruned_by_our_run(tmp_path: Path) -> None:
    values = ("search.min_epochs=1", 'search.pruner="successive-halving"', 'space.choices=["lrlc-2"]')
    settings = ("--set", "data.split.train=100", *(word for value in values for word in ("--set", value)))
    words = ("start", "--task", "studies.lightning_garments:task", "--trials", "8", "--workers", "1", *settings)
    done = lightning("lrlc_nas", *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"8 runs: \d complete, \d pruned", done.stdout)


@pytest.mark.slow
def test_a_lightning_module_is_trained_in_an_optuna_study(tmp_path: Path) -> None:
    done = lightning("studies.lightning_garments", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "pruned. Trial was pruned at epoch" in done.stderr
    assert "Effect(site='0', choice='lrlc-2', estimate=" in done.stdout


def test_spoken_digits_are_split_by_speaker_and_relaxed_by_pitch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = Path(os.environ.get("LRLC_NAS_TEST_IMAGES", "")) / "spoken-digits"
    if not recordings.is_dir():
        pytest.skip("LRLC_NAS_TEST_IMAGES names no folder with spoken-digits")
    monkeypatch.setenv("SPOKEN_DIGITS", str(recordings))
    monkeypatch.setenv("EVERY", "50")
    words = ("--trials", "7", "--workers", "1", "--set", 'search.pruner="none"')
    done = call("start", str(STUDIES / "spoken_digits.toml"), *words, folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    for choice in ("lrlc-4-rows", "lrlc-4-cols", "lrlc-4-rows-input", "position-vector"):
        assert choice in done.out
    assert "48 x" not in done.out
    from studies import spoken_digits

    assert {split: len(digits) for split, (_, digits) in spoken_digits.PARTS.items()} == {
        "train": 30, "search": 10, "confirm": 10, "test": 10
    }  # fmt: skip
    assert spoken_digits.PARTS["train"][0].shape[1:] == (1, 32, 48)
