"""What one epoch of training gives, wherever it stands: in a checkpoint, in the database, in a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

__all__ = ["EpochResult", "history_to_dicts"]


@dataclass(frozen=True)
class EpochResult:
    """The outcome of one epoch.

    Attributes:
        epoch: counted from 0.
        value: the metric of the task after the epoch, on the images that the run is scored on; of the built-in
            classification the fraction of them that is classified correctly, in [0, 1].
        seconds: wall-clock time of training and evaluation, without the writing of the checkpoint.
        scores: any further numbers by name, in the order in which they are shown. Those of the built-in
            classification are named in `lrlc_nas.training.run`.
        items: a score for each sample, as `lrlc_nas.runs.items` packs them; empty where there are none. Those of the
            last epoch are kept alone.
    """

    epoch: int
    value: float
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict, hash=False)
    items: str = field(default="", repr=False, compare=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EpochResult:
        """Read what `to_dict` wrote, or what it wrote when an epoch had a fixed set of fields."""
        if "value" in values:
            return cls(**values)
        scores = dict(values)
        return cls(scores.pop("epoch"), scores.pop("accuracy"), scores.pop("seconds"), scores)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as plain values."""
        return asdict(self)


def history_to_dicts(history: Sequence[EpochResult]) -> list[dict[str, Any]]:
    """All epochs of a run as plain values, the last with its items."""
    return [(result if result is history[-1] else replace(result, items="")).to_dict() for result in history]
