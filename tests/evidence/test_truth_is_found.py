"""Real trainings on planted images: what is known of them by construction comes out.

Accuracies are of 2,000 test images: a network at chance stays within 50 ± 5.6 points but once in two million.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

import pytest
import torch
from slow_cases import mostly_slow

from lrlc_nas.choices import Plan
from lrlc_nas.config import Recipe
from lrlc_nas.data import ImageSet, Subset, load_images
from lrlc_nas.networks import relax
from lrlc_nas.networks.hosts import build_host
from lrlc_nas.runs import stream_seed
from lrlc_nas.training import fit
from studies.planted import host as planted_host

SEEDS = (0, 1, 2)
RECIPE = Recipe(epochs=5, batch_size=32)
SIZE = (16, 16)
CHANCE = pytest.approx(50, abs=5.6)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def planted(**options: object) -> ImageSet:
    return load_images("studies.planted:images", options={"agreement": 0.62, "train": 1600, "test": 2000, **options})


@pytest.fixture(scope="module")
def signal() -> ImageSet:
    return planted()


@pytest.fixture(scope="module")
def null() -> ImageSet:
    return planted(variant="null")


def host(name: str, seed: int) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream_seed(seed, "init"))
        if name == "pooled":
            return planted_host(1, 2, SIZE)
        options = {"channels": 12, "kernel_size": 2, "strides": [2, 2, 2]}
        return build_host(name, channels=1, classes=2, size=SIZE, options=options)


def points(images: ImageSet, tokens: dict[str, str], seed: int, name: str = "pooled") -> float:
    """Accuracy after training, in points."""
    network = relax(
        host(name, seed), Plan.of(tokens), torch.zeros(1, 1, *SIZE), init="paper", seed=stream_seed(seed, "relax")
    )
    assert images.test_images is not None
    assert images.test_labels is not None
    train, test = Subset(images.images, images.labels), Subset(images.test_images, images.test_labels)
    *_, last = fit(network, train, test, RECIPE, seed=seed, mean=(0.5,), std=(0.2,))
    return 100 * last.value


@pytest.fixture(scope="module")
def host_on_signal(signal: ImageSet) -> list[float]:
    return [points(signal, {}, seed) for seed in SEEDS]


def test_the_host_is_at_chance(host_on_signal: list[float]) -> None:
    assert host_on_signal == [CHANCE] * 3


def test_the_planted_site_gains_with_every_seed(signal: ImageSet, host_on_signal: list[float]) -> None:
    relaxed = [points(signal, {"conv1": "lrlc-4"}, seed) for seed in SEEDS]
    gains = [after - before for after, before in zip(relaxed, host_on_signal, strict=True)]
    assert min(gains) > 25


def test_a_site_after_the_pool_stays_at_chance(signal: ImageSet) -> None:
    assert points(signal, {"conv2": "lrlc-2"}, seed=1) == CHANCE
    assert points(signal, {"conv2": "lc", "conv3": "lc"}, seed=0) == CHANCE


@pytest.mark.parametrize("token", ["lrlc-4-rows", "wide-4"])
def test_neither_rows_alone_nor_more_parameters_help(signal: ImageSet, token: str) -> None:
    assert points(signal, {"conv1": token}, seed=0) == CHANCE


@pytest.mark.parametrize("token", ["lrlc-1", "tied-4"])
def test_a_position_bias_is_no_substitute(signal: ImageSet, token: str) -> None:
    assert points(signal, {"conv1": token}, seed=0) < 65


def test_without_a_planted_truth_nothing_is_gained(null: ImageSet) -> None:
    before = [points(null, {}, seed) for seed in SEEDS]
    after = [points(null, {"conv1": "lrlc-4"}, seed) for seed in SEEDS]
    assert min(before) > 80
    assert abs(mean(after) - mean(before)) < 3


@pytest.mark.parametrize("site", mostly_slow([None, "conv1", "conv2", "conv3"], None, "conv3"))
def test_in_the_papers_network_the_position_reaches_the_cells_from_every_site(site: str | None) -> None:
    reached = points(planted(stripe=4), {site: "lc"} if site else {}, 0, "paper-cnn")
    assert reached > 60 if site else reached == CHANCE
