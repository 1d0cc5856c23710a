"""One arm against another, paired by seed.

With d_i = arm_i - baseline_i, the scores with seed i, as gains, i = 1 … n,

    difference ± t(ν) · √(s_d² / n + v),        s_d² = Σ (d_i - mean d)² / (n - 1),

where v is what the choice of the samples adds (`samples`), 0 where no run tells its samples apart; ν is n - 1, or more
by Satterthwaite where v takes a share.

This interval is valid whatever the correlation of the pairs and however much the spreads of the two arms differ,
which an interval from a spread pooled over arms is not: where one arm of five is three times as variable as the
others, its 96 % interval would hold 80 to 90 %, moderated (Smyth) or not. Where pairing buys nothing (correlation 0),
it costs only degrees of freedom.

P(arm > baseline) is the chance that a fresh run of the arm beats a fresh run of the baseline. Its interval is
Newcombe's score interval for the Mann-Whitney statistic: it does not collapse where one arm wins all n × n pairs, as
those from the bootstrap and from Brunner and Munzel's variance do. It takes the arms as independent, so that it is
too wide where seeds make them alike, and somewhat too narrow where a seed that is good for one is bad for the other.

References:
    Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979).
    Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2",
    Statistics in Medicine 25 (2006), method 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ..errors import InputError
from .samples import satterthwaite

__all__ = ["Comparison", "PairedT", "compare", "holm", "paired_t", "probability_of_superiority"]

_Array = NDArray[np.float64]

# Rounding alone leaves about 1e-14; a spread of 1e-9 is no spread between trained networks.
_NO_SPREAD = 1e-9

_WORTH_SAYING = 1.25


@dataclass(frozen=True)
class Comparison:
    """An arm against a baseline, in gains. No number in it is NaN or infinite.

    Attributes:
        n: number of pairs, that is of seeds.
        confidence: the level of all intervals here.
        pairing: one sentence on what pairing by seed bought.
        reason: why there is no interval; empty otherwise.
        difference: mean of arm - baseline; None without a pair.
        low: the paired t interval is `low` to `high`; None where there is none, as for `p`, two-sided.
        sd_of_difference: over seeds; None with fewer than two pairs.
        samples: how many samples the interval counts; 0 where it takes the samples as they are.
        variance_of_samples: what their choice adds to the variance of the difference.
        correlation: of the pairs; None where either arm has no spread or there are fewer than three pairs.
        pairing_gain: variance of an unpaired difference over that of the paired one: how many times more seeds an
            unpaired comparison would need; None without spread.
        superiority: P(arm > baseline), ties counted half, with the ends of its interval; None without a pair.
    """

    n: int
    confidence: float
    pairing: str
    reason: str = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    sd_of_difference: float | None = None
    correlation: float | None = None
    pairing_gain: float | None = None
    superiority: float | None = None
    superiority_low: float | None = None
    superiority_high: float | None = None
    samples: int = 0
    variance_of_samples: float = 0.0

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """The paired t interval of another level; None where there is none."""
        if self.reason or self.difference is None or self.sd_of_difference is None:
            return None
        half = _half(self.n, self.sd_of_difference, self.variance_of_samples, confidence)
        return self.difference - half, self.difference + half

    def at(self, confidence: float) -> Comparison:
        """The same with intervals of another level; that of `superiority` stays."""
        low, high = self.interval(confidence) or (None, None)
        return replace(self, confidence=confidence, low=low, high=high)


def compare(
    arm: Sequence[float],
    baseline: Sequence[float],
    *,
    confidence: float = 0.95,
    samples: int = 0,
    variance_of_samples: float = 0.0,
) -> Comparison:
    """Compare two arms, by their gains, that were trained with the same seeds in the same order.

    For intervals that hold together over a family of m, give the confidence 1 - α/m. Of the samples see `samples`.

    Returns:
        The comparison, with None and a reason where the runs cannot tell.

    Raises:
        InputError: if the numbers of scores differ, a score is not finite, or the level is not between 0 and 1.
    """
    arms = _checked(arm, baseline)
    if not 0 < confidence < 1:
        raise InputError(f"a confidence must be between 0 and 1, but is {confidence}")
    n = len(arm)
    if n == 0:
        return Comparison(0, confidence, _about_pairing(None, None), "no seed is complete in both arms")
    tested = paired_t(arms[0] - arms[1], variance_of_samples)
    mean, sd, p = (float(value) for value in (tested.mean, tested.sd, tested.p))
    reason = _reason(n, sd)
    half = 0.0 if reason else _half(n, sd, variance_of_samples, confidence)
    correlation, gain = _correlation(arms), _pairing_gain(arms, sd)
    superiority, low, high = probability_of_superiority(arms[0], arms[1], confidence)
    return Comparison(
        n=n,
        confidence=confidence,
        pairing=_about_pairing(correlation, gain),
        reason=reason,
        difference=mean,
        low=None if reason else mean - half,
        high=None if reason else mean + half,
        p=None if reason else p,
        sd_of_difference=sd if n > 1 else None,
        correlation=correlation,
        pairing_gain=gain,
        superiority=superiority,
        superiority_low=low if n > 1 else None,
        superiority_high=high if n > 1 else None,
        samples=samples,
        variance_of_samples=variance_of_samples,
    )


@dataclass(frozen=True)
class PairedT:
    """Student's paired t test of many comparisons at once, each field (...).

    Attributes:
        mean: of the differences; 0 without a pair.
        sd: of the differences; 0 with fewer than two pairs.
        error: standard error of the mean, that of the samples included.
        degrees: of freedom of the error.
        p: two-sided; 1 where `sd` is 0.
    """

    mean: _Array
    sd: _Array
    error: _Array
    degrees: _Array
    p: _Array


def paired_t(differences: _Array, variance_of_samples: _Array | float = 0.0) -> PairedT:
    """Test differences (..., n), arm - baseline with each seed, NaN where either arm has no score."""
    there = ~np.isnan(differences)
    n = there.sum(axis=-1)
    mean = np.where(there, differences, 0.0).sum(axis=-1) / np.maximum(n, 1)
    squares = (np.where(there, differences - mean[..., None], 0.0) ** 2).sum(axis=-1)
    sd = np.sqrt(squares / np.maximum(n - 1, 1))
    sd = np.where(sd < _NO_SPREAD, 0.0, sd)
    of_seeds = sd**2 / np.maximum(n, 1)
    error = np.sqrt(of_seeds + variance_of_samples)
    # Without samples these are the plain forms, so that what was decided with them stays the same to the last bit.
    alone = np.equal(variance_of_samples, 0)
    degrees = np.where(alone, np.maximum(n - 1, 1), satterthwaite(of_seeds, variance_of_samples + 0 * of_seeds, n))
    scaled, by = np.where(alone, np.abs(mean) * np.sqrt(n), np.abs(mean)), np.where(alone, sd, error)
    t = np.divide(scaled, by, out=np.zeros_like(mean), where=sd > 0)
    return PairedT(mean, sd, error, degrees, np.asarray(2 * special.stdtr(degrees, -t)))


def _half(n: int, sd: float, variance_of_samples: float, confidence: float) -> float:
    """Half the width of an interval."""
    tail = (1 - confidence) / 2
    if not variance_of_samples:
        return float(-special.stdtrit(n - 1, tail)) * sd / sqrt(n)
    of_seeds = sd**2 / n
    degrees = satterthwaite(np.array(of_seeds), variance_of_samples, np.array(n))
    return float(-special.stdtrit(degrees, tail)) * sqrt(of_seeds + variance_of_samples)


def holm(p_values: Sequence[float] | _Array, family: int) -> _Array:
    """Holm's adjusted p values (..., A), at most 1, within a family that may be larger than the A claims tested.

    Cells that were looked at but not tested count as p = 1: sorted p_(i) becomes max_{k<=i} (family - k + 1) p_(k).

    Raises:
        InputError: if the family is smaller than the number of claims.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    claims = raw.shape[-1]
    if family < claims:
        raise InputError(f"the family must count all cells that were screened: at least {claims}, but it is {family}")
    order = raw.argsort(axis=-1)
    steps = np.take_along_axis(raw, order, axis=-1) * (family - np.arange(claims))
    adjusted = np.minimum(np.maximum.accumulate(steps, axis=-1), 1)
    return np.asarray(np.take_along_axis(adjusted, order.argsort(axis=-1), axis=-1))


def probability_of_superiority(arm: _Array, baseline: _Array, confidence: float) -> tuple[float, float, float]:
    """P(arm > baseline) over all pairs of runs, ties half, and the ends of Newcombe's score interval.

    The ends solve |θ - estimate| = z · √V(θ), with the variance of Hanley and McNeil at equal sizes n,

        V(θ) = θ (1 - θ) (1 + (n - 1) · ((1 - θ) / (2 - θ) + θ / (1 + θ))) / n².
    """
    n = len(arm)
    signs = np.sign(np.subtract.outer(arm, baseline))
    estimate = float((signs.mean() + 1) / 2)
    z = float(-special.ndtri((1 - confidence) / 2))

    def excess(theta: float) -> float:
        spread = 1 + (n - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (theta - estimate) ** 2 - z**2 * theta * (1 - theta) * spread / n**2

    from scipy.optimize import brentq  # slow to import, so only where it is needed

    # Between the estimate and an end of [0, 1], the excess changes its sign once; at the end itself it is 0 only
    # where the estimate lies there.
    low = 0.0 if estimate == 0 else float(brentq(excess, 0.0, estimate * (1 - 1e-12)))
    high = 1.0 if estimate == 1 else float(brentq(excess, estimate + (1 - estimate) * 1e-12, 1.0))
    return estimate, low, high


def _checked(arm: Sequence[float], baseline: Sequence[float]) -> _Array:
    if len(arm) != len(baseline):
        raise InputError(
            f"a paired comparison needs one score of each arm for each seed, but got {len(arm)} and {len(baseline)}"
        )
    arms = np.array([arm, baseline], dtype=float)
    if not np.isfinite(arms).all():
        seed = int(np.argmin(np.isfinite(arms).all(axis=0)))
        raise InputError(f"scores are finite numbers, but pair {seed} is {arm[seed]} and {baseline[seed]}")
    return arms


def _reason(n: int, sd: float) -> str:
    if n == 1:
        return "one seed is not enough to estimate the spread"
    if sd == 0:
        return "the difference is the same with every seed, so it cannot be tested"
    return ""


def _correlation(arms: _Array) -> float | None:
    # Two pairs always lie on a line.
    if arms.shape[1] < 3 or (arms.std(axis=1) < _NO_SPREAD).any():
        return None
    from scipy import stats  # slow to import, so only where it is needed

    return float(stats.pearsonr(arms[0], arms[1]).statistic)


def _pairing_gain(arms: _Array, sd_of_difference: float) -> float | None:
    if sd_of_difference == 0:
        return None
    return float(arms.var(axis=1, ddof=1).sum() / sd_of_difference**2)


def _about_pairing(correlation: float | None, gain: float | None) -> str:
    if correlation is None or gain is None:
        return "The benefit of pairing by seed is not estimable yet."
    if gain > _WORTH_SAYING:
        return (
            f"Pairing by seed was worth {gain:.1f} times as many seeds: the correlation of the pairs is "
            f"{correlation:.2f}."
        )
    if gain < 1 / _WORTH_SAYING:
        return f"Pairing by seed brought no benefit: the paired scores move in opposite directions ({correlation:.2f})."
    return f"Pairing by seed brought almost no benefit: the correlation of the pairs is {correlation:.2f}."
