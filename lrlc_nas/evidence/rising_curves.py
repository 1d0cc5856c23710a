"""Whether the curves of a study still rise where its training ends.

What learns slowly is then behind for the time being: longer training may change the order of the choices. A schedule
that lowers the learning rate lifts every curve once more at its end, however long it is, so a rise is measured against
the whole of the curve: the runs still rise if the last quarter of their epochs brings `SHARE` or more of all that they
gain after the first. Training accuracy, where a task records it, tells the same from the other side: runs that classify
`LEARNT` of their training images correctly have little left to learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..config import Metric
from ..runs.results import EpochResult
from ..store import RunRecord

__all__ = ["LEARNT", "SHARE", "RisingCurves", "rising_curves"]

SHARE = 0.05
LEARNT = 0.95
_FEWEST = 4
_TRAINED = "train_accuracy"


@dataclass(frozen=True)
class RisingCurves:
    """How far the complete runs of a study still rise, in the mean.

    Attributes:
        gain: over the last quarter of the epochs, in the unit of the metric.
        share: of all that the runs gain after their first epoch.
        trained: training accuracy at the end, of the plan that has the least; None where it is not recorded.
    """

    gain: float
    share: float
    trained: float | None

    def sentence(self, metric: Metric) -> str:
        """What to say beside the effects."""
        known = "" if self.trained is None else f"; training accuracy {100 * self.trained:.0f} % where it is least"
        return (
            f"Curves still rise: the last quarter of the epochs brought {metric.difference(self.gain)}, "
            f"{100 * self.share:.0f} % of all that the runs gained{known}. Longer training may change the order of the "
            "choices."
        )


def rising_curves(
    complete: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]], metric: Metric
) -> RisingCurves | None:
    """How far the complete runs still rise; None if they do not, or have too few epochs to tell."""
    curves = [(run, epochs[run.run_id]) for run in complete if len(epochs.get(run.run_id, ())) >= _FEWEST]
    if not curves:
        return None
    gains = np.array([_gains(curve, metric) for _, curve in curves]).mean(axis=0)
    trained = _least_trained(curves)
    last, whole = map(float, gains)
    learnt = trained is not None and trained >= LEARNT
    if learnt or not np.isfinite(whole) or last <= 0 or last < SHARE * whole:
        return None
    return RisingCurves(last, last / whole if whole > 0 else 1.0, trained)


def _gains(curve: Sequence[EpochResult], metric: Metric) -> tuple[float, float]:
    """Over the last quarter of the epochs, and from the first epoch to the last."""
    end = metric.gain(curve[-1].value)
    before = curve[-1 - max(1, round(len(curve) / 4))]
    return end - metric.gain(before.value), end - metric.gain(curve[0].value)


def _least_trained(curves: Sequence[tuple[RunRecord, Sequence[EpochResult]]]) -> float | None:
    plans: dict[object, list[float]] = {}
    for run, curve in curves:
        if _TRAINED in curve[-1].scores:
            plans.setdefault(run.plan, []).append(curve[-1].scores[_TRAINED])
    return min(map(float, map(np.mean, plans.values())), default=None)
