"""Hosts that get into trouble while one of their plans is trained, and workers that meet it in their own process."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import weakref
from typing import Any

import torch
import toy_study
from torch import Tensor, nn

from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import resume_study
from lrlc_nas.engine.launchers import run_worker
from lrlc_nas.signals import Stop
from lrlc_nas.store import Store

STEPS = 3
"""Of an epoch."""

LEFT: list[weakref.ref[Any]] = []
"""What must not stay when memory has run out."""

ALIVE: list[int] = []
"""How much of it there was, each time that a host was built."""

TRAINED: set[tuple[str, str]] = set()
"""The layers of which training has made a step."""


class _FullWhenGoingBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("simulated: backward")


class Host(toy_study.Host):
    """The toy host, which gets into trouble where the second convolution alone is relaxed."""

    def __init__(self, channels: int, classes: int, trouble: str, epoch: int) -> None:
        super().__init__(channels, classes, width=3, trouble="")
        self.kind = trouble
        self.epoch = epoch
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # so that checkpoints count on

    def _apply(self, *arguments: Any, **options: Any) -> Host:
        if self.kind == "full: build" and self._is_troubled():
            self._want_much()
            raise torch.OutOfMemoryError("simulated: build")
        return super()._apply(*arguments, **options)  # type: ignore[no-any-return]

    def forward(self, batch: Tensor) -> Tensor:
        logits = super().forward(batch)
        if not self.training:
            return logits
        TRAINED.add((type(self.first).__name__, type(self.second).__name__))
        self.steps += 1
        if self._is_troubled() and int(self.steps) > STEPS * self.epoch:
            return self._trouble(logits)
        return logits

    def _is_troubled(self) -> bool:
        return isinstance(self.first, nn.Conv2d) and not isinstance(self.second, nn.Conv2d)

    def _trouble(self, logits: Tensor) -> Tensor:
        match self.kind:
            case "exit":
                os._exit(13)
            case "crash":
                ctypes.string_at(0)
            case "leave":
                sys.exit(3)
            case "input":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            case "hang":
                threading.Event().wait()
            case "full: forward":
                much = self._want_much()
                raise torch.OutOfMemoryError(f"simulated: forward, beside {much.numel()} numbers")
            case "full: backward":
                return _FullWhenGoingBack.apply(logits) + self._want_much().sum()
            case "nan":
                return logits * float("nan")
            case "inf":
                return logits - torch.tensor([0.0, float("inf"), float("inf")])
            case "explodes":
                self.logits.weight.data.mul_(1e30)
        return logits

    def _want_much(self) -> Tensor:
        much = torch.zeros(2**20)
        LEFT.extend((weakref.ref(much), weakref.ref(self)))
        return much


def host(channels: int, classes: int, size: tuple[int, int], trouble: str = "", epoch: int = 0) -> nn.Module:
    ALIVE.append(sum(left() is not None for left in LEFT))
    return Host(channels, classes, trouble, epoch)


def config(trouble: str = "", epoch: int = 0, **space: Any) -> StudyConfig:
    """Each of four plans once; that of one run gets into trouble in some epoch."""
    return toy_study.config(
        host={"name": "troubled_hosts:host", "options": {"trouble": trouble, "epoch": epoch}},
        space={"choices": ["lc"], **space},
        search={"host_repeats": 1, "pruner": "none"},
        budget={"trials": 4},
    )


def work_in_process(url: str, hang_seconds: float) -> None:
    """What a worker process does after `lrlc-nas resume`."""
    study = resume_study(Store(url), "toy")
    run_worker(study, device="cpu", threads=1, stop=Stop(), hang_seconds=hang_seconds)
