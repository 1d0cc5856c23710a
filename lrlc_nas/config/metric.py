"""What a task scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import InputError

__all__ = ["Metric"]


@dataclass(frozen=True)
class Metric:
    """What the value of an epoch, of a run and of an effect is a value of, and whether more or less of it is better.

    The unit is that of a difference of two values, for example ``points`` of a fraction that is shown as a percentage;
    empty for plain numbers. Values are shown times the scale: 100 for such a fraction, 1 for numbers as they are.

    Raises:
        InputError: if there is no name, or the direction is another word.
    """

    name: str
    direction: Literal["maximize", "minimize"] = "maximize"
    unit: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a metric must have a name")
        if self.direction not in ("maximize", "minimize"):
            raise InputError(f"metric {self.name!r}: direction must be maximize or minimize, but is {self.direction!r}")
