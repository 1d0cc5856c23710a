"""Everything that decides how a network is trained, apart from the data and the seed."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import ClassVar

from ..errors import InputError

__all__ = ["Recipe"]

_NAMES = {
    "optimizer": ("sgd", "adamw"),
    "schedule": ("one-cycle", "cosine"),
    "precision": ("auto", "float32", "bf16"),
    "channels_last": ("auto", "always", "never"),
    "init": ("paper", "host"),
    "path": ("auto", "bank", "kernel"),
}
_LEAST_COUNTS = {"epochs": 1, "batch_size": 2, "pad": 0}
_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    "learning_rate": ("above 0", lambda value: value > 0),
    **dict.fromkeys(("weight_decay", "smoothness"), ("at least 0", lambda value: value >= 0)),
    **dict.fromkeys(
        ("momentum", "warmup", "label_smoothing"), ("at least 0 and below 1", lambda value: 0 <= value < 1)
    ),
}
_SWITCHES = ("deterministic", "flip")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; two equal recipes have the same digest.

    Attributes:
        epochs: passes over the training images, at least 1.
        batch_size: images in one step, at least 2, because batch normalisation needs two.
        optimizer: ``sgd`` (stochastic gradient descent with Nesterov momentum) or ``adamw``.
        learning_rate: the peak of the schedule, above 0.
        momentum: of ``sgd``; for ``adamw`` it is β₁. In [0, 1).
        weight_decay: at least 0; biases and batch normalisation get none.
        schedule: ``one-cycle`` (cosine up, cosine down) or ``cosine`` (linear up, cosine down), set at each
            step.
        warmup: the fraction of all steps that comes before the peak, in [0, 1).
        label_smoothing: share of the target spread evenly over the classes, in [0, 1).
        smoothness: weight of `lrlc_nas.layers.smoothness_penalty` in the loss, at least 0: how strongly the
            combining weights of neighbouring positions are drawn together.
        precision: ``bf16`` (autocast), ``float32``, or ``auto``: ``bf16`` on a CUDA device that has it, else
            ``float32``.
        channels_last: memory layout of images and convolutions: ``always``, ``never``, or ``auto``: on CUDA.
        deterministic: use only algorithms that give the same bits each time, at some cost in speed.
        pad: pixels of padding before a random crop back to the size of the image; 0 for no crop.
        flip: mirror each image left to right with probability 1/2.
        init: how relaxed layers start, ``paper`` or ``host``; recorded here, used where the network is built.
        path: how low-rank layers are computed, ``bank``, ``kernel`` or ``auto`` (the faster one, as measured);
            recorded here, used where the network is built.

    Raises:
        InputError: if a field is outside its range.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    epochs: int = 10
    batch_size: int = 128
    optimizer: str = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    warmup: float = 0.3
    label_smoothing: float = 0.0
    smoothness: float = 0.0
    precision: str = "auto"
    channels_last: str = "auto"
    deterministic: bool = False
    pad: int = 0
    flip: bool = False
    init: str = "paper"
    path: str = "auto"

    def __post_init__(self) -> None:
        for field, least in _LEAST_COUNTS.items():
            self._require_count(field, least)
        for field, names in _NAMES.items():
            self._require_name(field, names)
        for field in _SWITCHES:
            self._require_switch(field)
        for field in _RANGES:
            self._require_number(field)
        self._require_ranges()

    @property
    def digest(self) -> str:
        """The SHA-256 of all fields in canonical JSON, as 64 hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def _require_count(self, field: str, least: int) -> None:
        value = getattr(self, field)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{field} must be a whole number of at least {least}, but is {value!r}")

    def _require_name(self, field: str, names: tuple[str, ...]) -> None:
        value = getattr(self, field)
        if value not in names:
            raise InputError(f"{field} must be one of {', '.join(names)}, but is {value!r}")

    def _require_switch(self, field: str) -> None:
        value = getattr(self, field)
        if not isinstance(value, bool):
            raise InputError(f"{field} must be true or false, but is {value!r}")

    def _require_number(self, field: str) -> None:
        value = getattr(self, field)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError(f"{field} must be a finite number, but is {value!r}")
        # 1 and 1.0 are equal but not in JSON, and equal recipes have one digest.
        object.__setattr__(self, field, float(value))

    def _require_ranges(self) -> None:
        for field, (required, holds) in _RANGES.items():
            value = getattr(self, field)
            if not holds(value):
                raise InputError(f"{field} must be {required}, but is {value!r}")
