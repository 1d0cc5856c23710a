"""The built-in task: what identifies a study must not change, or no older one could be resumed."""

import json
import subprocess
import sys

import pytest
import torch

from lrlc_nas.config import Recipe, StudyConfig
from lrlc_nas.engine import prepare
from lrlc_nas.networks import Cost
from lrlc_nas.tasks import Classification, RunHandle, ShowsImages, task_of

SMALL = {"data": {"split": {"train": 60, "search": 30, "confirm": 20}}, "recipe": {"epochs": 1, "batch_size": 20}}


@pytest.fixture(scope="module")
def task() -> Classification:
    return task_of(StudyConfig.from_json(json.dumps({"name": "any"} | SMALL)))


def test_the_fingerprints_of_a_study_are_those_of_all_versions_before():
    prepared = prepare(StudyConfig(name="any"))
    assert prepared.data_fingerprint == "5711a352196d2b06890bf42181680d9b59070145318fa1f64fd9c0b7fd670a8b"
    assert prepared.host_fingerprint == "69641452b3e98658d9fd04211cb3e84876e1aac13d8409bd01d37505de4587c6"


def test_it_is_a_task_that_shows_images(task: Classification):
    assert isinstance(task, ShowsImages)
    assert (task.metric.name, task.epochs, task.init) == ("accuracy", 1, "paper")


@pytest.mark.parametrize(("optimizer", "copies"), [("sgd", 3), ("adamw", 4)])
def test_memory_counts_what_the_optimizer_keeps(task: Classification, optimizer: str, copies: int):
    other = Classification(task.section, Recipe(batch_size=20, optimizer=optimizer), task.images, task.splits)
    assert other.training_bytes(Cost(10, 0, 3)) == 4 * (copies * 10 + 20 * 3)


def test_epochs_are_scored_on_the_split_of_the_run(task: Classification):
    for split in ("search", "confirm"):
        network = task.host(5)
        run = RunHandle(1, torch.device("cpu"), split)
        task.train(network, run)
        (result,) = run.reported
        assert result.value == task.score(network, split, "cpu")


def test_images_that_are_not_changed_score_as_they_are(task: Classification):
    network = task.host(5)
    same = task.score_changed(network, "search", "cpu", most=1000, change=lambda images: images)
    assert same == task.score(network, "search", "cpu")
    black = task.score_changed(network, "search", "cpu", most=7, change=torch.zeros_like)
    assert (7 * black).is_integer()
    assert task.count("search") == 30


def test_inputs_are_what_the_network_takes(task: Classification):
    inputs = task.inputs("train", 60)
    assert inputs.shape == (60, *task.sample.shape[1:])
    assert torch.allclose(inputs.mean((0, 2, 3)), torch.zeros(1), atol=1e-4)
    assert torch.allclose(inputs.std((0, 2, 3), correction=0), torch.ones(1), atol=1e-4)


def test_hosts_of_one_seed_are_equal_and_leave_the_random_state(task: Classification):
    before = torch.random.get_rng_state()
    first, again, other = (task.host(seed).state_dict() for seed in (5, 5, 6))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_needs_no_torchvision_does_not_wait_for_it():
    script = (
        "import sys; from lrlc_nas.config import StudyConfig; from lrlc_nas.engine import prepare; "
        "prepare(StudyConfig(name='any')); assert 'torchvision' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
