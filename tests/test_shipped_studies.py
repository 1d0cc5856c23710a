"""Every study file that ships is one that loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lrlc_nas.config import load_config
from lrlc_nas.networks import host_cost, survey
from lrlc_nas.networks.hosts import build_host
from lrlc_nas.search import shortage
from lrlc_nas.search.space import build_space

STUDIES = sorted((Path(__file__).parent.parent / "studies").glob("*.toml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_it_loads_and_is_named_as_its_file(path: Path) -> None:
    assert load_config(path).name == path.stem


SHAPES = {"mnist": (1, 28), "fashion-mnist": (1, 28), "embedded": (1, 28), "cifar10-resnet18": (3, 32)}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_its_budget_gives_intervals(path: Path) -> None:
    config = load_config(path)
    channels, side = SHAPES.get(path.stem, (1, 16))
    given = {"channels": channels, "classes": 10, "size": (side, side)}
    host = build_host(config.host.name, options=config.host.options, **given)
    sample = torch.zeros(1, channels, side, side)
    found, cost = survey(host, sample), host_cost(host, sample)
    space = build_space(config.space, found, cost, lambda total: total.training_bytes(config.recipe.batch_size))
    assert shortage(config, space) == ""


def test_the_embedded_study_is_the_default() -> None:
    (embedded,) = [path for path in STUDIES if path.stem == "embedded"]
    assert load_config(embedded) == load_config(None)
