import json
import os
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toy_study
from safetensors.torch import load_file, save_file

from lrlc_nas.config import ACCURACY
from lrlc_nas.engine import export_best, open_study, start_study
from lrlc_nas.engine.files import run_checkpoints
from lrlc_nas.errors import CheckpointError, InputError
from lrlc_nas.search import best_run


@pytest.fixture
def exported(uninterrupted, tmp_path):
    return export_best(uninterrupted, "toy", tmp_path / "best")


@pytest.fixture
def runs(uninterrupted):
    return uninterrupted.runs(uninterrupted.study("toy"))


def test_the_exported_network_gives_the_logits_of_the_trial(exported):
    # The host of this study is a function beside this file; the network needs it, as it needs lrlc_nas.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(exported.folder / "network.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("largest difference from the logits of the run: ")
    assert float(done.stdout.split()[-1]) <= 1e-5


def test_the_exported_file_tells_of_other_weights(exported):
    path = exported.folder / "weights.safetensors"
    save_file({name: value + 0.1 for name, value in load_file(path).items()}, path)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(exported.folder / "network.py"), run_name="__main__")
    assert ended.value.code == 1


def test_the_logits_are_those_of_the_network_as_it_was_trained(uninterrupted, exported):
    study = open_study(uninterrupted, "toy")
    splits = study.prepared.task.splits
    network = study.prepared.network(exported.run.plan, exported.run.seed)
    network.load_state_dict(run_checkpoints(uninterrupted, study.record, exported.run).load_newest()["network"])
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (splits.mean, splits.std))
    with torch.no_grad():
        logits = network.eval()((splits.search.images / 255 - mean) / std)
    check = load_file(exported.folder / "check.safetensors")
    assert torch.equal(check["images"], splits.search.images[: len(check["images"])])
    assert torch.allclose(check["logits"], logits[: len(check["logits"])], atol=1e-5)
    accuracy = (logits.argmax(1) == splits.search.labels).float().mean().item()
    assert accuracy == pytest.approx(exported.run.value)


def test_the_plan_says_what_was_exported(exported, runs):
    facts = json.loads((exported.folder / "plan.json").read_text())
    best = max((run for run in runs if run.state == "complete"), key=lambda run: (run.value, -run.number))
    assert exported.run == best
    assert (facts["run"], facts["plan"], facts["seed"]) == (best.number, best.plan.tokens, best.seed)
    assert (facts["weights_after_epoch"], facts["search_value"]) == (3, best.value) == (exported.epochs, best.value)
    assert facts["host"] == {"name": "toy_study:host", "options": {}, "weights": ""}
    assert sorted(path.name for path in exported.folder.iterdir()) == [
        "check.safetensors",
        "network.py",
        "plan.json",
        "weights.safetensors",
    ]


def test_the_best_run_is_a_complete_one_and_of_equals_the_first(runs):
    complete = [run for run in runs if run.state == "complete"][:3]
    equal = [replace(run, value=0.5) for run in complete]
    assert best_run([*reversed(equal)], ACCURACY) == equal[0]
    assert best_run([replace(runs[0], state="pruned", value=1.0), *equal], ACCURACY) == equal[0]
    assert best_run([replace(runs[0], value=0.0)], ACCURACY) == replace(runs[0], value=0.0)
    assert best_run([], ACCURACY) is None


def test_an_export_needs_an_empty_folder(uninterrupted, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    for name in ("full", "file"):
        with pytest.raises(InputError, match=rf"export: \S+/{name} exists already and is not an empty folder"):
            export_best(uninterrupted, "toy", tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert export_best(uninterrupted, "toy", tmp_path / "empty").folder == tmp_path / "empty"


def test_an_export_needs_a_complete_run(store, study, tmp_path):
    with pytest.raises(InputError, match="study 'toy' has no completed run to export"):
        export_best(store, "toy", tmp_path / "best")
    assert not (tmp_path / "best").exists()


def test_an_export_needs_the_checkpoint_of_the_last_epoch(store, tmp_path):
    start_study(store, toy_study.config(recipe={"epochs": 1}, budget={"trials": 3}))
    toy_study.work(store)
    for path in Path(tmp_path / "store").rglob("epoch-*.pt"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=r"run \d: no usable checkpoint of its last epoch in "):
        export_best(store, "toy", tmp_path / "best")
    assert not (tmp_path / "best").exists()
