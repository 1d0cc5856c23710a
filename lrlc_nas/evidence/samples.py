"""What the choice of the samples adds to the variance of a difference between two arms.

Both arms are trained with seeds s = 1 … n and scored on the same samples i = 1 … m. The difference of their scores is

    d_si = δ + S_s + I_i + e_si,        S, I, e independent with mean 0: seeds crossed with samples.

The mean of all d_si has the variance σ_S²/n + σ_I²/m + σ_e²/(n m). What the seeds tell, s_d²/n of the means over
samples, holds the first part and the last. The middle one, which more seeds do not make smaller, is estimated from the
mean squares of the two-way layout,

    σ_I²/m = (MS_I - MS_e) / (n m),        0 where that is negative.

The samples stand for the population they were drawn from: so the interval is one for other samples too. A bootstrap of
both, Owen's pigeonhole bootstrap, counts σ_e² three times, and with five seeds its intervals are far too narrow on the
side of the seeds, where Student's t knows how few they are.

References:
    Searle, Casella, McCulloch, "Variance Components" (1992), chapter 4 (the estimator).
    Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1 (2007).
    Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["satterthwaite", "variance_of_samples"]

_Array = NDArray[np.float64]


def variance_of_samples(arm: Sequence[_Array | None], baseline: Sequence[_Array | None]) -> tuple[float, int]:
    """The part σ_I²/m of the variance of the mean difference, in the squared unit of the items, and m.

    Args:
        arm: the items of each seed, (m,) each, as gains.
        baseline: those of the other arm with the same seeds.

    Returns:
        (0.0, 0) where it cannot be told: fewer than two seeds or samples, or a run without items or with others.
    """
    pairs = list(zip(arm, baseline, strict=True))
    sizes = {None if items is None else len(items) for pair in pairs for items in pair}
    if len(pairs) < 2 or len(sizes) != 1 or None in sizes or sizes == {1}:
        return 0.0, 0
    differences = np.array([one - other for one, other in pairs])  # type: ignore[operator]
    n, m = differences.shape
    by_sample = differences.mean(axis=0)
    rest = differences - by_sample - differences.mean(axis=1, keepdims=True) + differences.mean()
    error = (rest**2).sum() / ((n - 1) * (m - 1))
    return max(0.0, float(n * by_sample.var(ddof=1) - error) / (n * m)), m


def satterthwaite(of_seeds: _Array, of_samples: _Array | float, n: NDArray[np.int_] | _Array) -> _Array:
    """Degrees of freedom of the sum of two variances, the first from n seeds, the second from many samples."""
    total = of_seeds + of_samples
    share = np.divide(total, of_seeds, out=np.ones_like(total), where=of_seeds > 0)
    return np.asarray(np.maximum(n - 1, 1) * share**2)
