"""The power of Student's t tests, exactly, by the noncentral F distribution.

With a true effect θ, a standard error σ_θ of its estimate and ν degrees of freedom, t has the noncentral t
distribution of noncentrality θ/σ_θ, so that t² has the noncentral F distribution with 1 and ν degrees of freedom and
noncentrality (θ/σ_θ)². A two-sided test at level α finds the effect with probability

    P(t² > t_α²),        t_α the upper α/2 point of the central t.

(SciPy's F is taken because the lower tail of its noncentral t fails for some arguments.)

Reference: Johnson, Kotz and Balakrishnan, "Continuous Univariate Distributions" 2, chapters 30 and 31.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import InputError
from .samples import satterthwaite

__all__ = [
    "POWER",
    "SEEDS_CAP",
    "sd_of_difference",
    "seeds_for_equivalence",
    "seeds_to_see",
    "t_power",
    "visible_effect",
]

POWER = 0.8
"""The probability with which something 'visible' is found."""

SEEDS_CAP = 200
"""Numbers of seeds above this one are said to be 'more than' it."""

_Array = NDArray[np.float64]


def t_power(effect: float, standard_error: float | _Array, degrees: float | _Array, alpha: float) -> _Array:
    """The probability that a two-sided t test of level alpha finds a true effect; the arguments broadcast.

    The standard error is the true one, the degrees of freedom are those of its estimate.
    """
    critical = -special.stdtrit(degrees, alpha / 2)
    shift = np.asarray(effect / np.asarray(standard_error))
    missed = special.ncfdtr(1, degrees, shift**2, critical**2)
    # SciPy answers NaN for some shifts of 38 and more, where no test misses.
    return np.asarray(1 - np.nan_to_num(missed, nan=0.0))


def visible_effect(standard_error: float, degrees: int, alpha: float, power: float = POWER) -> float:
    """The smallest effect that a two-sided t test finds with the given probability, in the unit of the standard error.

    Raises:
        InputError: if the standard error is not positive, or there are no degrees of freedom.
    """
    if not 0 < standard_error < float("inf") or degrees < 1:
        raise InputError(
            "power needs a positive standard error and at least one degree of freedom, but they are "
            f"{standard_error} and {degrees}"
        )
    # The sum of the two quantiles is near the answer; with few degrees of freedom the answer lies above it.
    near = float(-special.stdtrit(degrees, alpha / 2)) + float(special.ndtri(power))
    from scipy.optimize import brentq  # half a second, which looking at a study does without

    shift = brentq(lambda shift: float(t_power(shift, 1.0, degrees, alpha)) - power, 0.0, 4 * near + 4)
    return float(shift) * standard_error


def seeds_to_see(
    effect: float, sd_of_difference: float, alpha: float, power: float = POWER, *, variance_of_samples: float = 0.0
) -> int | None:
    """The fewest pairs, from 2, with which a paired t test finds an effect; None if more than `SEEDS_CAP`."""
    seeds, error, degrees = _errors(sd_of_difference, variance_of_samples)
    return _first(seeds, t_power(effect, error, degrees, alpha) >= power)


def seeds_for_equivalence(
    delta: float, sd_of_difference: float, alpha: float, power: float = POWER, *, variance_of_samples: float = 0.0
) -> int | None:
    """The fewest pairs, from 2, with which two one-sided t tests show that nothing is nothing.

    The true difference is taken as 0. Both tests reject with probability at least 1 - 2 · P(one does not), which is
    all but exact wherever it is large. None if it is more than `SEEDS_CAP`.
    """
    seeds, error, degrees = _errors(sd_of_difference, variance_of_samples)
    either = t_power(delta, error, degrees, 2 * alpha)
    return _first(seeds, 1 - 2 * (1 - either) >= power)


def sd_of_difference(sd: float, correlation: float = 0.0) -> float:
    """The standard deviation of the difference of two arms of equal spread, s · √(2 (1 - ρ))."""
    return sd * sqrt(2 * (1 - correlation))


def _errors(sd_of_difference: float, variance_of_samples: float) -> tuple[NDArray[np.int_], _Array, _Array]:
    """Numbers of pairs, and the standard error of the mean difference with its degrees of freedom at each."""
    seeds = np.arange(2, SEEDS_CAP + 1)
    of_seeds = sd_of_difference**2 / seeds
    return seeds, np.sqrt(of_seeds + variance_of_samples), satterthwaite(of_seeds, variance_of_samples, seeds)


def _first(seeds: NDArray[np.int_], enough: NDArray[np.bool_]) -> int | None:
    return int(seeds[np.argmax(enough)]) if enough.any() else None
