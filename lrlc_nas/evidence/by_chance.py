"""How often as many intervals exclude zero where no choice has an effect.

All effects are measured against the same runs of the host, and with spreads from the same residuals, so that intervals
exclude zero together: several of them do more often than as many independent ones. The probability is counted on
studies that are drawn for the design: normal values without any effect go through the arithmetic of the real ones.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from .missing import CONFIDENCE, Matrix
from .unequal_spread import SpreadOfEstimate

__all__ = ["probability_of_as_many"]

_STUDIES = 1000
_NUMBERS = 1_000_000
"""What may be drawn, so that looking at a study stays a matter of a moment."""


def probability_of_as_many(design: Matrix, told: list[int], count: int) -> float:
    """The probability that `count` intervals or more exclude zero where all effects are zero.

    Args:
        design: (runs, columns) of the complete runs, 1 where a run holds the choice of a column.
        told: the columns that have an interval.
        count: how many of them exclude zero.
    """
    runs = len(design)
    left, sizes, right = np.linalg.svd(design, full_matrices=False)
    rank = int((sizes > sizes.max() * max(design.shape) * np.finfo(float).eps).sum())
    basis, inverse = left[:, :rank], (right[:rank].T / sizes[:rank]) @ left[:, :rank].T
    values = np.random.default_rng(0).standard_normal((min(_STUDIES, max(200, _NUMBERS // runs)), runs))
    squares = (values - (values @ basis) @ basis.T) ** 2
    excluding = np.zeros(len(values), dtype=int)
    for column in told:
        holds = design[:, column] > 0
        sums = np.stack([squares[:, holds].sum(axis=1), squares[:, ~holds].sum(axis=1)], axis=-1)
        variance, degrees = SpreadOfEstimate.of(basis, inverse[column], holds).estimate(sums)
        excluding += 2 * stdtr(degrees, -np.abs(values @ inverse[column]) / np.sqrt(variance)) < 1 - CONFIDENCE
    return float((excluding >= count).mean())
