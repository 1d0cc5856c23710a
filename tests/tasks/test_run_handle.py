"""The run handle keeps what an interrupted run needs, and refuses what cannot be resumed."""

import math
from pathlib import Path

import pytest
import torch

from lrlc_nas.errors import CheckpointError, DivergedError, InputError, TrainingStoppedError
from lrlc_nas.runs import Checkpoints
from lrlc_nas.tasks import RunHandle


def handle(folder: Path | None = None, seed: int = 3, **changes) -> RunHandle:
    checkpoints = None if folder is None else Checkpoints(folder, "a run")
    return RunHandle(seed, torch.device("cpu"), checkpoints=checkpoints, **changes)


STATE = {"network": {"weight": torch.arange(3.0)}, "step": 7}


def test_a_run_that_begins_has_nothing_to_load(tmp_path: Path):
    run = handle(tmp_path / "run")
    assert (run.load(), run.next_epoch, run.reported) == (None, 0, [])


def test_what_was_saved_last_is_loaded_with_all_results(tmp_path: Path):
    run = handle(tmp_path / "run")
    results = [run.save(0.5, STATE), run.save(0.75, {**STATE, "step": 14}, loss=2.0)]
    later = handle(tmp_path / "run")
    saved = later.load()
    assert saved["step"] == 14
    assert torch.equal(saved["network"]["weight"], torch.arange(3.0))
    assert later.reported == run.reported == results
    assert [result.epoch for result in results] == [0, 1]
    assert later.next_epoch == 2


def test_without_checkpoints_results_are_kept_alone():
    run = handle()
    run.save(0.5, STATE)
    assert (run.load(), run.next_epoch) == (None, 1)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_leaves_no_checkpoint(tmp_path: Path, value: float):
    run = handle(tmp_path / "run")
    with pytest.raises(DivergedError, match="epoch 0"):
        run.save(value, STATE)
    assert not (tmp_path / "run").exists()


def test_a_state_without_weights_is_refused():
    with pytest.raises(InputError, match="network"):
        handle().save(0.5, {"step": 7})


def test_a_state_of_another_seed_is_refused(tmp_path: Path):
    handle(tmp_path / "run").save(0.5, STATE)
    with pytest.raises(CheckpointError, match="must have seed 4, but has 3"):
        handle(tmp_path / "run", seed=4).load()


def test_it_says_when_to_stop():
    handle().require_going()
    with pytest.raises(TrainingStoppedError, match="epoch 0"):
        handle(should_stop=lambda: True).require_going()
