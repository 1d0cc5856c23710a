"""The run handle keeps what an interrupted run needs, tells each epoch once, and refuses what cannot be resumed."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from torch import nn

from lrlc_nas.errors import CheckpointError, DivergedError, InputError, TrainingStoppedError
from lrlc_nas.runs import Checkpoints
from lrlc_nas.runs.items import unpack_items
from lrlc_nas.tasks import RunHandle


def handle(folder: Path | None = None, seed: int = 3, **changes) -> RunHandle:
    checkpoints = None if folder is None else Checkpoints(folder, "a run")
    return RunHandle(seed, torch.device("cpu"), checkpoints=checkpoints, **changes)


def drawn() -> tuple[float, float, float]:
    return torch.rand(()).item(), random.random(), float(np.random.rand())


def loop(drawings: list, epochs: int = 4, until: int = 99) -> Callable[[nn.Module, RunHandle], None]:
    """A training whose weights and values are what it draws at random."""

    def train(network: nn.Module, run: RunHandle) -> None:
        run.load()
        for epoch in range(run.next_epoch, epochs):
            if epoch == until:
                raise KeyboardInterrupt
            drawings.append(drawn())
            with torch.no_grad():
                network.weight.fill_(drawings[-1][0])
            run.report(epoch, drawings[-1][1], loss=drawings[-1][2])
            run.save({"step": epoch})

    return train


def trained(folder: Path, drawings: list, **given) -> RunHandle:
    run = handle(folder)
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    run.train(nn.Linear(1, 1), loop(drawings, **given))
    return run


def test_a_run_that_begins_has_nothing_to_load(tmp_path: Path):
    run = handle(tmp_path / "run")
    assert (run.load(), run.next_epoch, run.reported) == (None, 0, [])


@pytest.mark.parametrize("until", [1, 3])
def test_an_interrupted_run_ends_as_one_that_was_not(tmp_path: Path, until: int):
    """Weights, values and all random numbers of the process go on where they stood."""
    whole, parts = [], []
    undisturbed = trained(tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", parts, until=until)
    network, run = nn.Linear(1, 1), handle(tmp_path / "parts")
    drawn()
    run.train(network, loop(parts))
    assert parts == whole
    assert [(e.epoch, e.value, e.scores) for e in run.reported] == [
        (e.epoch, e.value, e.scores) for e in undisturbed.reported
    ]
    assert network.weight.item() == pytest.approx(whole[-1][0])


def test_what_was_saved_last_is_loaded(tmp_path: Path):
    trained(tmp_path / "run", [], epochs=2)
    later = handle(tmp_path / "run")
    later._network = nn.Linear(1, 1)
    assert later.load() == {"step": 1}
    assert later.next_epoch == 2


def test_the_words_of_an_optuna_trial_are_understood():
    told = []
    run = handle(listener=told.append)
    run.report(0.5, step=0)
    run.report(value=0.75, step=1)
    run.report(2, torch.tensor(1.0), loss=np.float32(2))
    assert [(each.epoch, each.value) for each in told] == [(0, 0.5), (1, 0.75), (2, 1.0)]
    assert told[-1].scores == {"loss": 2.0}
    assert not run.should_prune()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_ends_the_run_and_is_told_to_nobody(value: float):
    told = []
    run = handle(listener=told.append)
    with pytest.raises(DivergedError, match="epoch 0"):
        run.report(0, value)
    assert told == []
    with pytest.raises(DivergedError):
        run.report(0, 0.5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda run: run.report(0, 0.5) or run.report(0, 0.5), "epoch 0 was reported already.*the next is 1"),
        (lambda run: run.report(1, 0.5), "epoch 1 comes too early.*the next is 0"),
        (lambda run: run.report(0.5), "the epoch must be a whole number, but is 0.5"),
        (lambda run: run.report(0, "good"), "value must be a number, but is a str"),
        (lambda run: run.report(0, torch.zeros(3)), "value must be a number, but is a Tensor"),
        (lambda run: run.report(0, 0.5, loss=None), "loss must be a number, but is a NoneType"),
        (lambda run: run.save(), "report epoch 0 first"),
        (lambda run: run.report(0, 0.5) or run.load(), "before the first epoch is reported"),
        (
            lambda run: run.report(0, 0.5) or run.save({"best": {"model": nn.Linear(1, 1)}}),
            r"state\['best'\]\['model'\] must be a tensor or a plain value.*but is a torch.nn.modules.linear.Linear",
        ),
        (lambda run: run.report(0, 0.5) or run.save({"score": np.float64(1)}), r"state\['score'\].*numpy.float64"),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Callable[[RunHandle], object], told: str):
    with pytest.raises(InputError, match=told):
        call(handle())


def test_optimizers_and_schedulers_are_plain():
    network = nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    schedules = torch.optim.lr_scheduler
    for schedule in (schedules.MultiStepLR(optimizer, [3]), schedules.OneCycleLR(optimizer, 0.1, 10)):

        def train(network: nn.Module, run: RunHandle, schedule=schedule) -> None:
            run.report(0, 0.5)
            run.save({"optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()})

        handle().train(network, train)


def test_a_state_of_another_seed_is_refused(tmp_path: Path):
    trained(tmp_path / "run", [], epochs=1)
    with pytest.raises(CheckpointError, match="must have seed 4, but has 3"):
        handle(tmp_path / "run", seed=4).load()


def test_a_training_that_saves_nothing_leaves_its_last_weights(tmp_path: Path):
    def train(network: nn.Module, run: RunHandle) -> None:
        nn.init.constant_(network.weight, 7)
        for epoch in range(2):
            run.report(epoch, 0.5)

    handle(tmp_path / "run").train(nn.Linear(1, 1), train)
    network, again = nn.Linear(1, 1), handle(tmp_path / "run")
    again.train(network, lambda network, run: pytest.fail("it is trained already"))
    assert (network.weight.item(), again.next_epoch) == (7, 2)


def test_a_training_without_a_report_is_refused():
    with pytest.raises(InputError, match=r"without run\.report"):
        handle().train(nn.Linear(1, 1), lambda network, run: None)


def test_what_ends_a_run_cannot_be_swallowed():
    def listen(result) -> None:
        raise optuna.TrialPruned

    def train(network: nn.Module, run: RunHandle) -> None:
        for epoch in range(5):
            try:
                run.report(epoch, 0.5)
            except optuna.TrialPruned:
                assert run.should_prune()

    run = handle(listener=listen)
    with pytest.raises(optuna.TrialPruned):
        run.train(nn.Linear(1, 1), train)
    assert run.next_epoch == 1


def test_a_stop_is_heard_after_the_state_is_saved(tmp_path: Path):
    run = handle(tmp_path / "run", asked_to_stop=lambda: True)
    with pytest.raises(TrainingStoppedError, match="after epoch 0"):
        run.train(nn.Linear(1, 1), loop([]))
    assert handle(tmp_path / "run").checkpoints.load_newest()["epoch"] == 0


def test_a_training_that_saves_nothing_stops_at_its_second_report():
    def train(network: nn.Module, run: RunHandle) -> None:
        for epoch in range(5):
            run.report(epoch, 0.5)

    run = handle(asked_to_stop=lambda: True)
    with pytest.raises(TrainingStoppedError):
        run.train(nn.Linear(1, 1), train)
    assert run.next_epoch == 1


def test_a_training_that_returns_because_it_was_asked_to_has_not_ended():
    def train(network: nn.Module, run: RunHandle) -> None:
        run.report(0, 0.5)
        if not run.should_stop():
            pytest.fail("it was asked to")

    with pytest.raises(TrainingStoppedError):
        handle(asked_to_stop=lambda: True).train(nn.Linear(1, 1), train)


def test_the_scores_of_the_samples_survive_an_interruption_those_of_the_last_epoch_alone(tmp_path: Path):
    def train(network: nn.Module, run: RunHandle) -> None:
        run.load()
        for epoch in range(run.next_epoch, 3):
            if (epoch, len(told)) == (2, 2):
                raise KeyboardInterrupt
            run.report(epoch, 0.5, items=[float(epoch), 0.25])
            run.save()

    told = []
    with pytest.raises(KeyboardInterrupt):
        handle(tmp_path / "run", listener=told.append).train(nn.Linear(1, 1), train)
    told.append(None)
    again = handle(tmp_path / "run")
    again.train(nn.Linear(1, 1), train)
    assert [result.items and unpack_items(result.items).tolist() for result in again.reported] == [
        "",
        [1, 0.25],
        [2, 0.25],
    ]


def test_scores_of_samples_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"run\.report: items must be finite"):
        handle().report(0, 0.5, items=[math.nan])
