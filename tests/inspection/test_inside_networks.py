"""Trained networks are read back from their checkpoints, and measured on moved images."""

import json
import shutil
from itertools import product

import numpy as np
import pytest
import torch

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import Worker, open_study, resume_study, start_study, study_folder
from lrlc_nas.errors import CheckpointError, InputError
from lrlc_nas.inspection import shift_tolerance, space_maps, subject
from lrlc_nas.inspection.maps import layer_map
from lrlc_nas.inspection.shifts import moved
from lrlc_nas.inspection.trained import trained_network
from lrlc_nas.report.reading import look_inside
from lrlc_nas.store import Store

CONFIG = {
    "name": "tiny",
    "host": {"name": "studies.planted:host"},
    "data": {
        "name": "studies.planted:images",
        "options": {"train": 240, "test": 40},
        "split": {"search": 60, "confirm": 60},
    },
    "recipe": {"epochs": 1, "batch_size": 32, "path": "bank"},
    "space": {"sites": ["conv1"], "choices": ["wide-2", "lrlc-2", "lrlc-2-input", "lc"]},
    "search": {"pruner": "none", "host_repeats": 2},
    "budget": {"trials": 6},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of a trained study of two hosts and every choice at one site."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("tiny")
    store = Store(f"sqlite:///{place / 'studies.db'}")
    start_study(store, StudyConfig.model_validate_json(json.dumps(CONFIG)))
    study = resume_study(store, "tiny")
    Worker(store, study.record, study.prepared, device="cpu").work()
    store.engine.dispose()
    yield place
    torch.set_num_threads(threads)


@pytest.fixture
def store(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    store = Store(f"sqlite:///{tmp_path / 'copy' / 'studies.db'}")
    yield store
    store.engine.dispose()


def test_the_subject_is_the_best_run_that_is_no_control(store):
    chosen = subject(store, "tiny")
    relaxed = [
        run
        for run in store.runs(store.study("tiny"))
        if run.plan.at("conv1").kind in ("lrlc", "lc") and run.state == "complete"
    ]
    assert chosen.runs[0].value == max(run.value for run in relaxed)
    assert [run.plan for run in chosen.hosts] == [Plan(), Plan()]


def test_a_trained_network_scores_again_what_was_recorded(store):
    study = open_study(store, "tiny")
    found = shift_tolerance(store, "tiny", shifts=(0,), seeds=1)
    chosen = subject(store, "tiny")
    assert found.images == len(study.prepared.task.splits.search) == 60
    assert found.relaxed == {"right": (chosen.runs[0].value,), "down": (chosen.runs[0].value,)}
    assert found.host["right"] == (chosen.hosts[0].value,)
    assert (found.numbers, found.host_numbers) == ((chosen.runs[0].number,), (chosen.hosts[0].number,))


def test_the_maps_are_those_of_the_layer_in_the_checkpoint(store):
    chosen = subject(store, "tiny")
    (found,) = space_maps(store, "tiny")
    study = open_study(store, "tiny")
    network = trained_network(study, chosen.runs[0])
    splits = study.prepared.task.splits
    images = (splits.search.images[:64].float() / 255 - splits.mean[0]) / splits.std[0]
    weights, distance, unshared = layer_map(network.conv1, images)  # conv1 sees the images themselves
    assert (found.site, found.choice, found.number) == ("conv1", chosen.plan.at("conv1").token, chosen.runs[0].number)
    assert np.allclose(found.weights, weights, atol=1e-6)
    assert np.allclose(found.distance, distance, atol=1e-6)
    assert found.unshared == pytest.approx(unshared, abs=1e-6)


def test_every_shift_has_an_accuracy_in_both_directions(store):
    found = shift_tolerance(store, "tiny", shifts=(-2, 0, 1), images=30)
    for curves in (found.relaxed, found.host):
        assert {direction: len(values) for direction, values in curves.items()} == {"right": 3, "down": 3}
        assert curves["right"][1] == curves["down"][1]
    assert found.images == 30


def test_the_test_images_stay_sealed(store, monkeypatch):
    study = open_study(store, "tiny")
    sealed = study.prepared.task.splits.test
    monkeypatch.setattr(type(sealed), "__getattribute__", _refusing(sealed))
    assert space_maps(store, "tiny", opened=study)
    shift_tolerance(store, "tiny", opened=study, images=10)
    with pytest.raises(AssertionError, match="sealed"):
        _ = sealed.images


def test_without_checkpoints_there_is_a_reason_and_no_trouble(store):
    shutil.rmtree(study_folder(store, store.study("tiny")))
    with pytest.raises(CheckpointError, match="no usable checkpoint of its last epoch"):
        space_maps(store, "tiny")
    found = look_inside(store, "tiny", trusted=True)
    assert (found.maps, found.shifts) == ((), None)
    assert "no usable checkpoint of its last epoch" in found.maps_reason == found.shifts_reason


def test_a_study_that_has_nothing_relaxed_says_so(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'studies.db'}")
    start_study(store, StudyConfig.model_validate_json(json.dumps(CONFIG)))
    with pytest.raises(InputError, match="study 'tiny' has no complete run with a relaxed site yet"):
        subject(store, "tiny")
    store.engine.dispose()


@pytest.mark.parametrize(("right", "down"), list(product((-2, 0, 3), (-1, 0, 2))))
def test_a_moved_image_repeats_its_rim(right, down):
    images = torch.randint(0, 256, (2, 3, 4, 5), dtype=torch.uint8)
    result = moved(images, right, down)
    assert result.dtype == torch.uint8
    for y, x in product(range(4), range(5)):
        source = images[:, :, min(max(y - down, 0), 3), min(max(x - right, 0), 4)]
        assert torch.equal(result[:, :, y, x], source)


@pytest.mark.parametrize(("right", "down"), [(5, 0), (0, -4)])
def test_a_shift_has_to_leave_something(right, down):
    with pytest.raises(InputError, match="4 x 5 pixels are moved by less than that"):
        moved(torch.zeros(1, 1, 4, 5, dtype=torch.uint8), right, down)


def test_counts_of_nothing_are_refused(store):
    with pytest.raises(InputError, match="images and seeds must be at least 1, but are 0 and 1"):
        shift_tolerance(store, "tiny", images=0, seeds=1)


def _refusing(sealed):
    def read(self, name):
        assert self is not sealed or name == "__class__", "the test images are sealed"
        return object.__getattribute__(self, name)

    return read
