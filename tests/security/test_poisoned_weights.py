"""A file in place of a checkpoint runs nothing, whoever asks for it: it is told of, and what is whole is used."""

import io
import pickle
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from poison import DATABASE, NAME, call, execute, value_of
from safetensors import SafetensorError
from safetensors.torch import load_file

from lrlc_nas.engine import study_folder
from lrlc_nas.engine.files import run_checkpoints
from lrlc_nas.search import best_run
from lrlc_nas.store import Store
from tests.reliability.poison import DISGUISES, Bomb, poison_checkpoints

FORMS = tuple(DISGUISES)


@pytest.fixture
def bomb(tmp_path: Path) -> Path:
    """What a bomb makes when it goes off."""
    return tmp_path / "exploded"


def evil(form: str, bomb: Path, epoch: int) -> bytes:
    """A file that runs code in whoever loads it as torch does without care."""
    return DISGUISES[form]({"epoch": epoch, "identity": "any", "network": {}, "bomb": Bomb(bomb)})


def best_checkpoints(folder: Path) -> Path:
    """The folder of the checkpoints of the best run."""
    store = Store(f"sqlite:///{folder / DATABASE}")
    study = store.study(NAME)
    run = best_run(store.runs(study), study.metric)
    assert run is not None
    place = run_checkpoints(store, study, run).folder
    store.engine.dispose()
    return place


@pytest.mark.parametrize("form", FORMS)
def test_the_bomb_is_live(form: str, bomb: Path) -> None:
    with suppress(RuntimeError, pickle.UnpicklingError):  # of what is no file of torch, once it has gone off
        torch.load(io.BytesIO(evil(form, bomb, 1)), weights_only=False)
    assert bomb.exists()


@pytest.mark.parametrize("matching", [False, True], ids=["wrong-hash", "true-hash"])
@pytest.mark.parametrize("form", FORMS)
def test_export_refuses(home: Path, bomb: Path, form: str, matching: bool, caplog: pytest.LogCaptureFixture) -> None:
    place = best_checkpoints(home)
    assert len(poison_checkpoints(place, evil(form, bomb, 1), matching=matching)) == 1
    done = call("export", NAME, "-o", "best")
    assert (done.code, done.out) == (1, "")
    assert "no usable checkpoint of its last epoch in" in done.err
    assert ("was not written by this package" if matching else "is damaged: sha256") in caplog.text
    assert not bomb.exists()
    assert not (home / "best").exists()


@pytest.mark.parametrize("matching", [False, True], ids=["wrong-hash", "true-hash"])
@pytest.mark.parametrize("form", FORMS)
def test_a_report_goes_without_the_pictures(home: Path, bomb: Path, form: str, matching: bool) -> None:
    assert len(poison_checkpoints(home, evil(form, bomb, 1), matching=matching)) > 1
    assert call("report", NAME, "--trust").code == 0
    page = (home / "shy-report.html").read_text(encoding="utf-8")
    assert "no usable checkpoint of its last epoch" in page
    assert not bomb.exists()


@pytest.mark.parametrize(
    ("form", "matching"),
    [("archive", True), pytest.param("pickle", False, marks=pytest.mark.slow)],
    ids=["true-hash", "wrong-hash"],
)
def test_resume_trains_the_run_again(
    home: Path, bomb: Path, form: str, matching: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With a run that was killed after its first epoch, and whose checkpoint somebody has replaced since."""
    number = value_of(home, "SELECT max(number) FROM nas_run WHERE study_id = 1 AND state = 'complete'")
    run_id, trial_id, value = (
        value_of(home, f"SELECT {column} FROM nas_run WHERE study_id = 1 AND number = {number}")
        for column in ("run_id", "trial_id", "value")
    )
    undone = "state = 'waiting', done = 0, value = NULL, finished = NULL, epoch = 1, expires = 0"
    execute(home, f"UPDATE nas_run SET {undone} WHERE run_id = ?", run_id)
    execute(home, "DELETE FROM nas_epoch WHERE run_id = ? AND epoch = 1", run_id)
    execute(home, "UPDATE trials SET state = 'WAITING' WHERE trial_id = ?", trial_id)
    store = Store(f"sqlite:///{home / DATABASE}")
    place = study_folder(store, store.study(NAME)) / f"trial-{number}"
    assert len(poison_checkpoints(place, evil(form, bomb, 0), matching=matching)) == 1
    assert call("resume", NAME, "--workers", "0").code == 0
    assert call("worker", NAME, "--device", "cpu", "--threads", "1").code == 0
    assert ("was not written by this package" if matching else "is damaged: sha256") in caplog.text
    assert "restarting at epoch 0" in caplog.text
    assert value_of(home, f"SELECT value FROM nas_run WHERE run_id = {run_id}") == value
    assert not bomb.exists()
    store.engine.dispose()


@pytest.mark.parametrize("form", FORMS)
def test_what_was_exported_is_no_pickle(home: Path, bomb: Path, form: str) -> None:
    assert call("export", NAME, "-o", "best").code == 0
    assert load_file(home / "best/weights.safetensors")
    (home / "best/weights.safetensors").write_bytes(evil(form, bomb, 1))
    with pytest.raises(SafetensorError):
        load_file(home / "best/weights.safetensors")
    assert "torch.load" not in (home / "best/network.py").read_text()
    assert not bomb.exists()
