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

    @property
    def heading(self) -> str:
        """The name where a title, a column or a sentence begins; a name with capitals stays as it is."""
        return self.name.capitalize() if self.name.islower() else self.name

    @property
    def axis(self) -> str:
        """The name, and what shown values are counted in: ``accuracy, %``, ``RMSE, degrees``, ``IoU``."""
        return _joined(", ", self.name, self.value_unit)

    @property
    def in_unit(self) -> str:
        """A part of a sentence that names the unit: ``, in points``; empty for plain numbers."""
        return f", in {self.unit}" if self.unit else ""

    @property
    def better(self) -> str:
        """Where on an axis better values lie: ``high`` or ``low``."""
        return "high" if self.direction == "maximize" else "low"

    @property
    def minus(self) -> str:
        """What stands between an arm and the one that its value is compared with, where the number is a gain."""
        return "minus" if self.direction == "maximize" else "gains over"

    @property
    def effects(self) -> str:
        """What effects are: ``points of accuracy``, ``differences in IoU``, ``degrees less RMSE``."""
        if self.direction == "minimize":
            return f"{self.unit} less {self.name}" if self.unit else f"reductions of {self.name}"
        return f"{self.unit} of {self.name}" if self.unit else f"differences in {self.name}"

    def shown(self, value: float) -> str:
        """A value in digits: ``84.70 %``, ``12.30 degrees``, ``0.8123``."""
        return _joined(" ", f"{self.scale * value:.{self.decimals}f}", self.value_unit)

    def named(self, value: float) -> str:
        """A value where nothing beside it says of what: ``IoU 0.8123``. Only accuracy is known by its sign alone."""
        return self.shown(value) if self == ACCURACY else f"{self.name} {self.shown(value)}"

    def signed(self, gain: float, digits: int | None = None) -> str:
        """A gain in digits, without its unit: ``+1.93``."""
        return f"{gain:+.{self.decimals if digits is None else digits}f}"

    def difference(self, gain: float) -> str:
        """A gain in digits: ``+1.93 points``, ``+0.0123``."""
        return _joined(" ", self.signed(gain), self.unit)

    def spread(self, sd: float) -> str:
        """A standard deviation in digits: ``1.41 points``."""
        return _joined(" ", f"{sd:.{self.decimals}f}", self.unit)

    def amount(self, size: float) -> str:
        """A size that somebody chose, as it was written: ``0.3 points``."""
        return _joined(" ", f"{size:g}", self.unit)

    @property
    def value_unit(self) -> str:
        """What shown values are counted in: ``%``, ``degrees``, or nothing."""
        return "%" if (self.unit, self.scale) == ("points", 100) else self.unit


def _joined(between: str, *parts: str) -> str:
    return between.join(filter(None, parts))


ACCURACY = Metric("accuracy", "maximize", "points", 100.0)
"""The metric of the built-in classification: a fraction, shown in percent."""
