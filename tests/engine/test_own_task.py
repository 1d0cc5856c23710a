"""A task of somebody's own, all of it in this file, goes the whole way: search, resume, confirm, test, export.

It is a regression: the sum of a picture's pixels, each weighted by its place, which a convolution followed by a mean
cannot give. Its metric is a raw number, the negative mean squared error.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
import toy_study
from torch import Tensor, nn
from torch.nn import functional as F

from lrlc_nas.choices import Plan
from lrlc_nas.config import Metric, StudyConfig
from lrlc_nas.engine import OpenStudy, Worker, export_best, open_study, resume_study, start_confirmation, start_study
from lrlc_nas.engine.launchers import LocalWorkers
from lrlc_nas.engine.test_split import open_test
from lrlc_nas.errors import InputError
from lrlc_nas.inspection import shift_tolerance, space_maps
from lrlc_nas.networks import Cost
from lrlc_nas.store import Store
from lrlc_nas.tasks import Latency, Rebuild, RunHandle, ShowsImages, Split, task_of
from lrlc_nas.tasks.circumstances import Circumstance
from lrlc_nas.tasks.latency import time_step

REBUILD = "print('a network of ' + open('plan.json').read())\n"


class Host(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 1, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        sums: Tensor = self.second(F.relu(self.first(pictures))).mean((1, 2, 3))
        return sums


@dataclass(frozen=True)
class Regression:
    """Pictures in three splits after the one that is trained on."""

    epochs: int = 3
    rate: float = 0.05
    metric: ClassVar[Metric] = Metric("negative squared error")
    init: ClassVar[str] = "paper"
    trained: ClassVar[bool] = False
    sample: ClassVar[Tensor] = torch.zeros(1, 1, 6, 6)
    parts: ClassVar[dict[str, slice]] = {
        "train": slice(48),
        "search": slice(48, 64),
        "confirm": slice(64, 80),
        "test": slice(80, 96),
    }
    pictures: Tensor = field(
        default_factory=lambda: torch.rand(96, 1, 6, 6, generator=torch.Generator().manual_seed(0)), repr=False
    )

    @property
    def targets(self) -> Tensor:
        return (self.pictures * torch.linspace(-1, 1, 36).view(1, 1, 6, 6)).mean((1, 2, 3))

    @property
    def circumstances(self) -> dict[str, Circumstance]:
        return {}

    @property
    def data_fingerprint(self) -> str:
        return hashlib.sha256(self.pictures.numpy().tobytes()).hexdigest()

    @property
    def facts(self) -> dict[str, Any]:
        return {"splits": {part: len(self.targets[where]) for part, where in self.parts.items()}}

    def host(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Host()

    def require_trainable(self, host: nn.Module) -> None:
        pass

    def training_bytes(self, cost: Cost) -> int:
        return cost.training_bytes(16)

    def train(self, network: nn.Module, run: RunHandle) -> None:
        run.train(network, self._train)

    def _train(self, network: nn.Module, run: RunHandle) -> None:
        optimizer = torch.optim.SGD(network.parameters(), self.rate, momentum=0.9)
        if (saved := run.load()) is not None:
            optimizer.load_state_dict(saved["optimizer"])
        for epoch in range(run.next_epoch, self.epochs):
            order = torch.randperm(48, generator=torch.Generator().manual_seed(1000 * run.seed + epoch))
            for batch in order.split(16):
                optimizer.zero_grad()
                F.mse_loss(network(self.pictures[batch]), self.targets[batch]).backward()
                optimizer.step()
            run.report(epoch, self.score(network, run.split, run.device))
            run.save({"optimizer": optimizer.state_dict()})

    def score(self, network: nn.Module, split: Split, device: torch.device | str) -> float:
        where = self.parts[split]
        with torch.no_grad():
            return -F.mse_loss(network(self.pictures[where]), self.targets[where]).item()

    def require_test(self) -> None:
        pass

    def latency(self, network: nn.Module, device: torch.device | str) -> Latency:
        return time_step(lambda: network(self.pictures).sum().backward(), 96, torch.device(device))

    def rebuild(self, network: nn.Module) -> Rebuild:
        with torch.no_grad():
            return Rebuild(REBUILD, {"unit": "none"}, {"sums": network(self.pictures)})


def task(config: StudyConfig) -> Regression:
    return Regression(**config.task.options)


def config(**options: float) -> StudyConfig:
    return StudyConfig.from_json(
        json.dumps(
            {
                "name": "toy",
                "task": {"name": f"{__name__}:task", "options": options},
                "recipe": {"path": "bank"},
                "space": {"choices": ["lrlc-2", "lc"]},
                "search": {"min_epochs": 1, "host_repeats": 2, "pruner": "successive-halving"},
                "budget": {"trials": 9},
            }
        )
    )


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Trained by one worker without a break. For reading alone, but for confirmations."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('regression')}/studies.db")
    start_study(store, config())
    toy_study.work(store)
    return store


def test_it_is_a_task_and_shows_no_images() -> None:
    assert not isinstance(Regression(), ShowsImages)
    assert isinstance(task_of(config(epochs=2)), Regression)


def test_its_runs_are_trained_scored_and_pruned(searched: Store) -> None:
    study = open_study(searched, "toy")
    runs = searched.runs(study.record)
    assert {run.state for run in runs} == {"complete", "pruned"}
    assert all(run.epoch == 3 for run in runs if run.state == "complete")
    assert all(run.value is not None and run.value < 0 for run in runs)
    assert study.record.facts["splits"] == {"train": 48, "search": 16, "confirm": 16, "test": 16}
    assert "init" in runs[0].facts
    assert study.record.facts["sources"].keys() == {f"{__name__}:task"}


def test_one_that_was_stopped_after_every_epoch_ends_as_one_that_was_not(store: Store, searched: Store) -> None:
    start_study(store, config())

    def recorded() -> int:
        return sum(map(len, store.epochs(store.study("toy")).values()))

    stops = 0
    while not store.is_done(store.study("toy")):
        before = recorded()
        toy_study.work(store, should_stop=lambda: recorded() > before)  # noqa: B023 - used at once
        stops += 1
    assert stops > 10
    assert toy_study.trace(store) == toy_study.trace(searched)


@pytest.mark.slow  # as launchers/test_local_workers.py, which imports what its supervisor does
def test_worker_processes_train_it(store: Store) -> None:
    study = start_study(store, config(epochs=1)).record
    LocalWorkers(store, study, ["cpu"]).run(lambda: None)
    assert {run.state for run in store.runs(study)} == {"complete"}


def confirmed(store: Store) -> OpenStudy:
    study = start_confirmation(store, "toy", {"second: lc": Plan.of({"second": "lc"})}, seeds=2, smallest_effect=0.3)
    Worker(store, study.record, study.prepared, device="cpu").work()
    return study


def test_a_confirmation_scores_its_own_split_and_the_test_the_last(searched: Store) -> None:
    study = confirmed(searched)
    run = next(run for run in searched.runs(study.record) if run.plan == Plan())
    opening = open_test(searched, study, {"host": Plan()}, [run.seed])
    regression = Regression()
    network = study.prepared.network(Plan(), run.seed)
    handle = RunHandle(run.seed, torch.device("cpu"), "confirm")
    regression.train(network, handle)
    last = handle.reported[-1]
    assert run.value == regression.score(network, "confirm", "cpu") == last.value
    assert opening.results == {"values": {"host": {str(run.seed): regression.score(network, "test", "cpu")}}}


def test_its_best_network_is_exported_with_what_the_task_adds(searched: Store, tmp_path: Path) -> None:
    exported = export_best(searched, "toy", tmp_path / "best")
    assert (tmp_path / "best" / "network.py").read_text() == REBUILD
    facts = json.loads((tmp_path / "best" / "plan.json").read_text())
    assert (facts["unit"], facts["run"]) == ("none", exported.run.number)


def test_its_banks_are_mapped_and_its_images_are_not_moved(searched: Store) -> None:
    assert space_maps(searched, "toy")
    with pytest.raises(InputError, match="no images to move"):
        shift_tolerance(searched, "toy")


def test_who_only_looks_does_not_run_it(searched: Store) -> None:
    with pytest.raises(InputError, match=f"the task of study 'toy' is {__name__}:task"):
        open_study(searched, "toy", looking=True)


def test_other_options_are_another_training(searched: Store, store: Store) -> None:
    start_study(store, config(rate=0.01))
    assert resume_study(store, "toy").record.config.training_digest != searched.study("toy").config.training_digest


def no_task(config: StudyConfig) -> object:
    return object()


def failing(config: StudyConfig) -> Regression:
    raise KeyError("pictures")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("segmentation", "a task is one of classification, package.module:name"),
        (f"{__name__}:no_task", "what it gave, a object, has no circumstances, data_fingerprint, epochs,"),
        (f"{__name__}:failing", "the function failed: KeyError: 'pictures'"),
        (f"{__name__}:missing", "is not a function"),
    ],
)
def test_what_is_not_a_task_is_refused_before_anything_is_written(store: Store, name: str, told: str) -> None:
    wrong = config()
    with pytest.raises(InputError, match=told):
        start_study(store, wrong.model_copy(update={"task": wrong.task.model_copy(update={"name": name})}))
    assert not store.exists()
