"""A task of the user's own: a host, a sample, and the functions that train and score it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from ..config import Metric
from ..errors import InputError
from ..layers.samples import Sample, batch_size
from .run_handle import RunHandle

__all__ = ["Task"]


@dataclass(frozen=True, eq=False)
class Task:
    """What a study needs to know of somebody's training.

    It is a global of a module that each worker imports, and named as ``module:name``.

    Attributes:
        host: makes the untouched network, by the global random numbers of torch; a class will do.
        sample: a batch of inputs, as large as those of training: a tensor (B, …), a tuple of several arguments, a dict
            of named ones, or such within each other. Its values do not count.
        train: called with a network to train in place, on `RunHandle.device`, and the run: seed, split, device; it
            reports each epoch. Its data, loss and loop are its own.
        score: called with a trained network and the name of a split, ``test``; gives the metric. None for a task
            whose test split is never opened.
        metric: what `train` reports and `score` gives.
        epochs: how many epochs a run has, if that is known; a run is not pruned after its last one.
        data: the version of the data; a study does not resume with another one.
        splits: how many samples each split has, for the report: ``train``, ``search``, ``confirm``, ``test``.
        weights: a safetensors file that the host starts from, if it was trained before.
        init: how relaxed layers start: ``host``, as the function of the convolutions, as is usual for a trained host;
            or ``paper``, as is usual for one that is trained from scratch.
        challenges: name of another circumstance under which claims are tested again, such as ``longer``, to the
            options that `train` finds in `RunHandle.options` then.

    Raises:
        InputError: naming what has another form.
    """

    host: Callable[[], nn.Module]
    sample: Sample
    train: Callable[[nn.Module, RunHandle], object]
    score: Callable[[nn.Module, str], float] | None = None
    metric: Metric = field(default_factory=lambda: Metric("score"))
    epochs: int | None = None
    data: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    weights: str = ""
    init: str = ""
    challenges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, takes in _TAKES.items():
            if name != "score" or self.score is not None:
                _require_function(name, getattr(self, name), takes)
        for name, kind in (("metric", Metric), ("data", str), ("weights", str)):
            if not isinstance(getattr(self, name), kind):
                raise InputError(f"Task.{name} must be a {kind.__name__}, but is {_shown(getattr(self, name))}")
        for name, options in self.challenges.items():
            if not name or not isinstance(options, Mapping):
                raise InputError(f"Task.challenges[{name!r}] must be a dict of options, but is {_shown(options)}")
        batch_size(self.sample)
        if not self.init:
            object.__setattr__(self, "init", "host" if self.weights else "paper")
        if self.init not in ("paper", "host"):
            raise InputError(f"Task.init must be 'paper' or 'host', but is {self.init!r}")
        epochs: Any = self.epochs
        if epochs is not None and not (isinstance(epochs, int) and epochs > 0):
            raise InputError(f"Task.epochs must be a whole number from 1, or None, but is {self.epochs!r}")


_TAKES = {"host": (), "train": ("network", "run"), "score": ("network", "split")}


def _require_function(name: str, function: object, takes: tuple[str, ...]) -> None:
    wanted = f"Task.{name} must be a function of ({', '.join(takes)})"
    if not callable(function):
        raise InputError(f"{wanted}, but is {_shown(function)}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # of some functions in C it is not known
        return
    try:
        signature.bind(*takes)
    except TypeError as error:
        raise InputError(f"{wanted}, but takes {signature}: {error}") from None


def _shown(value: Any) -> str:
    return f"{value!r:.60}, a {type(value).__name__}"
