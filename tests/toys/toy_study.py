"""A study of a second: three classes told apart by their bright channel, and a host of two convolutions."""

from __future__ import annotations

import json
import os
import signal
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import Worker, resume_study
from lrlc_nas.runs import EpochResult
from lrlc_nas.search.optuna_view import OptunaView
from lrlc_nas.store import NewRun, RunRecord, Store, this_process

TRIALS = 12
"""Runs of the toy study: the block and some more, few enough to be trained in many tests."""
BLOCK = 6
"""How many of them are the balanced block."""

PIXEL = 0
"""Added to the first pixel of all images: what changes when the data drift."""


def images(count: int = 90) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 3
    pixels = torch.randint(0, 150, (count, 3, 6, 6), generator=generator, dtype=torch.uint8)
    pixels[torch.arange(count), labels] += 40
    pixels[0, 0, 0, 0] += PIXEL
    return pixels, labels


__all__ = ["NewRun", "this_process"]


class Host(nn.Sequential):
    """Fails while it trains with the second convolution relaxed, if it is told to."""

    def __init__(self, channels: int, classes: int, width: int, trouble: str) -> None:
        super().__init__(
            OrderedDict(
                first=nn.Conv2d(channels, width, 3),
                relu=nn.ReLU(),
                second=nn.Conv2d(width, width, 3),
                flatten=nn.Flatten(),
                logits=nn.Linear(width * 4, classes),
            )
        )
        self.trouble = trouble

    def forward(self, batch: Tensor) -> Tensor:
        logits: Tensor = super().forward(batch)
        if self.trouble and self.training and not isinstance(self.second, nn.Conv2d):
            logits = logits * make_trouble(self.trouble)
        return logits


def make_trouble(kind: str) -> float:
    if kind == "diverges":
        return float("nan")
    if kind == "out of memory":
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore lines")
    if kind == "out of memory of the CPU":
        torch.empty(2**62, dtype=torch.uint8)
    if kind == "device lost":
        raise torch.AcceleratorError("CUDA error: device-side assert triggered\nmore lines")
    if kind == "bug":
        raise ValueError("no such \0 layer")
    if kind == "disk":
        raise OSError(28, "No space left on device")
    raise AssertionError(kind)


def host(channels: int, classes: int, size: tuple[int, int], width: int = 3, trouble: str = "") -> nn.Module:
    return Host(channels, classes, width, trouble)


def wider_host(channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    return Host(channels, classes, 4, "")


def config(**sections: Any) -> StudyConfig:
    """The toy study: 2 sites, 16 plans, 12 runs, of which 6 are the balanced block."""
    tables: dict[str, Any] = {
        "host": {"name": "toy_study:host"},
        "data": {"name": "toy_study:images", "split": {"search": 24, "confirm": 6, "test": 6}},
        # A fixed path: two studies may find different ones to be the faster.
        "recipe": {"epochs": 3, "batch_size": 18, "learning_rate": 0.05, "pad": 1, "flip": True, "path": "bank"},
        "space": {"choices": ["lrlc-2", "lrlc-3", "lc"]},
        "search": {"min_epochs": 1, "host_repeats": 2, "pruner": "successive-halving"},
        "budget": {"trials": TRIALS},
    }
    for name, table in sections.items():
        tables[name] = {**tables.get(name, {}), **table} if isinstance(table, dict) else table
    return StudyConfig.model_validate_json(json.dumps({"name": "toy"} | tables))


def work(store: Store, name: str = "toy", **options: Any) -> None:
    """What one worker does after `lrlc-nas resume`."""
    study = resume_study(store, name)
    Worker(store, study.record, study.prepared, device="cpu", **options).work()


def work_in_process(url: str) -> None:
    torch.set_num_threads(1)
    work(Store(url))


def die_after_steps(url: str, steps: int) -> None:
    """Work, and kill this process by SIGKILL before a step."""
    torch.set_num_threads(1)
    asked = iter(range(10_000))

    def should_stop() -> bool:
        if next(asked) == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    work(Store(url), should_stop=should_stop)


def trace(store: Store, name: str = "toy") -> list[tuple[object, ...]]:
    """All that must repeat: runs and their epochs without times, attempts and workers."""
    study = store.study(name)
    epochs = store.epochs(study)
    return [
        (
            *(run.number, run.role, run.repeat, run.seed, run.plan, run.state, run.reason, run.value),
            *(timeless(epoch) for epoch in epochs.get(run.run_id, [])),
        )
        for run in store.runs(study)
    ]


def timeless(epoch: EpochResult) -> tuple[float, ...]:
    timed = ("images_per_second",)
    scores = (score for name, score in epoch.scores.items() if name not in timed)
    return (epoch.epoch, epoch.value, *scores)


def assert_mirrored(store: Store, name: str = "toy") -> None:
    """Optuna's side says of every ended run what our tables say, and nothing more."""
    study = store.study(name)
    runs, epochs = store.runs(study), store.epochs(study)
    trials = {t._trial_id: t for t in OptunaView(store, name, study.space).study.get_trials()}
    assert sorted(trials) == sorted(run.trial_id or 0 for run in runs)
    for run in runs:
        trial = trials[run.trial_id or 0]
        assert trial.number == run.number
        assert trial.state.name == {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}[run.state]
        assert trial.value == (None if run.state == "failed" else run.value)
        assert trial.params == {site: _at(run, site) for site in study.space}
        assert trial.intermediate_values == {e.epoch: e.value for e in epochs.get(run.run_id, [])}


def _at(run: RunRecord, site: str) -> str:
    assert run.plan is not None
    return run.plan.at(site).token
