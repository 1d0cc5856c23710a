"""From differences to decisions: the rule alone, on arrays of any number of studies.

At look j, with α_j from `sequential` and the paired t statistics of all claims of a study,

    differs      Holm's adjusted p within the family < α_j
    equivalent   the paired t interval of level 1 - 2 α_j lies within (-δ, δ)

A comparison of two arms counts the seeds with which both have a score, whatever other arms have lost. At a look where
a claim had lost more runs than the host nothing is decided in its favour (`lost_runs`).

What a look has decided stays decided: the error of each look is already paid for. *Equivalent* wins over *differs*,
as a difference that lies within ±δ is too small to matter even where it is not zero.

Differences are controlled over the whole family and all looks: the chance of any false one in a study is at most
α. Equivalence is controlled over all looks for each claim by itself: the chance that a difference of δ or more is
called equivalent is at most α.

References:
    Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", J. Pharmacokinetics and
    Biopharmaceutics 15 (1987).
    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..config import ACCURACY, Metric
from ..errors import InputError
from .comparison import PairedT, holm, paired_t
from .sequential import ALPHA, alpha_of_look, check_alpha

__all__ = ["OUTCOMES", "Decisions", "Rule", "decide"]

OUTCOMES = ("undecided", "hurts", "helps", "equivalent")
"""The four verdicts, in the order of the codes in `Decisions.outcome`."""

_UNDECIDED, _HURTS, _HELPS, _EQUIVALENT = range(4)

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """What has to be settled before the first look.

    Attributes:
        family: number of hypotheses that the verdicts have to hold for together, at least the number of claims.
        delta: the smallest difference that matters, in the unit of the metric.
        alpha: the chance of any false claim over the family and all looks.
        metric: of the scores, which are gains.
        together: whether the intervals that are shown hold together over the family, as the verdicts do; else each
            holds by itself, as those of older confirmations.

    Raises:
        InputError: if the family is empty, delta is not positive or alpha is not between 0 and 1.
    """

    family: int
    delta: float = 0.3
    alpha: float = ALPHA
    metric: Metric = ACCURACY
    together: bool = True

    def __post_init__(self) -> None:
        if self.family < 1:
            raise InputError(f"a family holds at least 1 cell, but it is {self.family}")
        if not 0 < self.delta < float("inf"):
            raise InputError(f"the smallest difference that matters is a positive number, but is {self.delta}")
        check_alpha(self.alpha)


@dataclass(frozen=True)
class Decisions:
    """What is decided about A claims, in each of any number of studies.

    Attributes:
        outcome: (..., A), indices into `OUTCOMES`.
        look: (..., A), the look that decided, from 1; 0 where none has.
        adjusted: (..., A), Holm's adjusted p at the look that decided, or at the last one.
        differs: (..., A), whether a difference was found, be it equivalent or not.
    """

    outcome: NDArray[np.int_]
    look: NDArray[np.int_]
    adjusted: _Array
    differs: NDArray[np.bool_]


def decide(
    differences: _Array,
    rule: Rule,
    sizes: Sequence[int],
    *,
    variance_of_samples: _Array | float = 0.0,
    disfavoured: NDArray[np.bool_] | None = None,
) -> Decisions:
    """Apply the rule at each look and join what they decide.

    Args:
        differences: (..., A, n), claim - host with each seed, seeds in the order in which they were added; NaN where
            either has no score.
        rule: what was settled before.
        sizes: number of seeds at each look so far, growing, at most n.
        variance_of_samples: what the choice of the samples adds to the variance, (..., A, looks), or one number.
        disfavoured: (..., A, looks), where a claim may not be found to help or to be equivalent.
    """
    of_samples = np.broadcast_to(variance_of_samples, (*differences.shape[:-1], len(sizes)))
    claims = differences.shape[:-1]
    outcome, decided = np.full(claims, _UNDECIDED), np.zeros(claims, dtype=int)
    adjusted, differs = np.ones(claims), np.zeros(claims, dtype=bool)
    for look, size in enumerate(sizes, start=1):
        tested = paired_t(differences[..., :size], of_samples[..., look - 1])
        now, found, p = _look(tested, rule, alpha_of_look(look, rule.alpha))
        if disfavoured is not None:
            now = np.where(disfavoured[..., look - 1] & (now != _HURTS), _UNDECIDED, now)
        # A later look may change the direction or find a difference too small to matter, but undoes no decision.
        news = (now != _UNDECIDED) & (now != outcome) & (outcome != _EQUIVALENT)
        adjusted = np.where(news | (outcome == _UNDECIDED), p, adjusted)
        outcome, decided = np.where(news, now, outcome), np.where(news, look, decided)
        differs = differs | found
    return Decisions(outcome, decided, adjusted, differs)


def _look(tested: PairedT, rule: Rule, alpha: float) -> tuple[NDArray[np.int_], NDArray[np.bool_], _Array]:
    """Outcomes of one look taken alone, which claims differ, and their adjusted p."""
    adjusted = holm(tested.p, rule.family)
    differs = adjusted < alpha
    reach = np.abs(tested.mean) + -special.stdtrit(tested.degrees, alpha) * tested.error
    equivalent = (tested.sd > 0) & (reach < rule.delta)
    direction = np.where(tested.mean > 0, _HELPS, _HURTS)
    outcome = np.where(equivalent, _EQUIVALENT, np.where(differs, direction, _UNDECIDED))
    return outcome, differs, adjusted
