"""What a task scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ..errors import InputError

__all__ = ["ACCURACY", "Metric"]


@dataclass(frozen=True)
class Metric:
    """What the value of an epoch, of a run and of an effect is a value of, and whether more or less of it is better.

    The unit is that of a difference of two values, for example ``points`` of a fraction that is shown as a percentage;
    empty for plain numbers. Values are shown times the scale: 100 for such a fraction, 1 for numbers as they are.
    Effects are gains: positive where a value is better, in the unit, whatever the direction.

    Raises:
        InputError: if there is no name, the direction is another word, or the scale is not positive.
    """

    name: str
    direction: Literal["maximize", "minimize"] = "maximize"
    unit: str = ""
    scale: float = 1.0
    digits: int | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a metric must have a name")
        if self.direction not in ("maximize", "minimize"):
            raise InputError(f"metric {self.name!r}: direction must be maximize or minimize, but is {self.direction!r}")
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"metric {self.name!r}: scale must be a positive number, but is {self.scale!r}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any] | None) -> Metric:
        """Read what `to_dict` wrote; accuracy for studies from before there was another metric."""
        return ACCURACY if values is None else cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as plain values."""
        return asdict(self)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.direction == "maximize" else -1

    @property
    def decimals(self) -> int:
        """How many digits stand behind the point of a shown number."""
        return self.digits if self.digits is not None else 2 if self.scale >= 10 else 4

    def gain(self, value: float) -> float:
        """A value on the scale of effects: times the scale, and more is better."""
        return self.sign * (self.scale * value)

    def value(self, gain: float) -> float:
        """The value of which `gain` is the gain, times the scale."""
        return self.sign * gain


ACCURACY = Metric("accuracy", "maximize", "points", 100.0)
"""The metric of the built-in classification: a fraction, shown in percent."""
