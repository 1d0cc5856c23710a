"""A host that brings its weights is fine-tuned from them, and a study does not go on with others."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import trained_task
from safetensors.torch import save_file
from torch import nn

from lrlc_nas import Task, relax
from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import prepare, resume_study, start_study
from lrlc_nas.errors import InputError
from lrlc_nas.store import Store
from lrlc_nas.tasks import how_layers_start

SAMPLE = torch.rand(2, 1, 6, 6)


def config(task: str = "trained_task:task") -> StudyConfig:
    return StudyConfig.of(
        {"name": "fine", "task": {"name": task}, "space": {"choices": ["lrlc-2"]}, "budget": {"trials": 5}}
    )


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "host.safetensors"
    torch.manual_seed(5)
    save_file(trained_task.Host().state_dict(), path)
    monkeypatch.setattr(trained_task, "task", replace(trained_task.task, weights=str(path), init=""))
    return path


def test_each_run_starts_from_the_weights_and_computes_what_the_host_does(weights: Path) -> None:
    prepared = prepare(config())
    torch.manual_seed(5)
    host = trained_task.Host()
    assert (prepared.task.init, prepared.task.trained) == ("host", True)
    for seed in (0, 1):
        network = prepared.network(Plan.of({"first": "lrlc-2"}), seed)
        assert torch.allclose(network(SAMPLE), host(SAMPLE), atol=1e-5)
    assert "trained before" in prepared.facts["start"]
    assert prepared.facts["start"] != how_layers_start("paper", False)


def test_other_weights_are_another_host(weights: Path, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/db")
    start_study(store, config())
    resume_study(store, "fine")
    torch.manual_seed(6)
    save_file(trained_task.Host().state_dict(), weights)
    with pytest.raises(InputError, match=r"the host .* differs from what it recorded"):
        resume_study(store, "fine")


def test_what_does_not_fit_or_cannot_be_read_is_named(weights: Path) -> None:
    save_file({"first.weight": torch.zeros(2, 1, 3, 3), "last.bias": torch.zeros(1)}, weights)
    with pytest.raises(InputError, match=r"first\.bias must be \(2,\), but is absent"):
        prepare(config())
    weights.write_text("no weights")
    with pytest.raises(InputError, match=r"cannot read .*host\.safetensors as safetensors"):
        prepare(config())


@pytest.mark.parametrize(("given", "init"), [({}, "host"), ({"recipe": {"init": "paper"}}, "paper")])
def test_a_study_file_that_names_weights_is_fine_tuned_unless_it_says_otherwise(given: dict, init: str) -> None:
    made = StudyConfig.of({"name": "s", "host": {"weights": "host.safetensors"}} | given)
    assert made.recipe.init == init
    assert StudyConfig.from_json(made.to_json()) == made
    assert Path(made.with_absolute_paths().host.weights).is_absolute()
    assert "weights" not in StudyConfig(name="s").to_json()


@pytest.mark.parametrize("init", ["host", "paper"])
def test_a_frozen_convolution_stays_frozen(init: str) -> None:
    host = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
    host[0].requires_grad_(False)
    network = relax(host, {"0": "lrlc-2", "2": "lc"}, SAMPLE, init=init)
    assert not any(parameter.requires_grad for parameter in network[0].parameters())
    assert all(parameter.requires_grad for parameter in network[2].parameters())


def test_a_task_starts_as_paper_unless_it_is_trained() -> None:
    given = {"host": trained_task.Host, "sample": SAMPLE, "train": trained_task.train}
    assert Task(**given).init == "paper"
    assert Task(**given, weights="host.safetensors").init == "host"
