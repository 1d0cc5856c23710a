"""Simulated studies: does the evidence keep the rates that it states?

No network is trained. With g_i the luck that seed i brings to every arm and e_ai the luck of a single run,

    score[a, i] = mean_a + sd_a · (√ρ · g_i + √(1 - ρ) · e_ai) + sd_s · m_a,        g, e, m independent,

where m_a, standard normal, is what the choice of the samples gives to an arm with all of its seeds, and g and e are
standard normal or have heavy tails,

and every study is judged by `decide`, the function that judges real ones. Arm 0 of each study is the one that
rates are told of: one answer for each study, so that they are independent and Clopper and Pearson's interval holds.

Reference: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26 (1934).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from lrlc_nas.evidence.comparison import paired_t
from lrlc_nas.evidence.decisions import OUTCOMES, Decisions, Rule, decide
from lrlc_nas.evidence.judging import more_seeds
from lrlc_nas.evidence.sequential import alpha_of_look

__all__ = ["Rate", "Scenario", "screening_rates", "simulate"]

_Array = NDArray[np.float64]
_Bools = NDArray[np.bool_]

_HURTS, _HELPS, _EQUIVALENT = (OUTCOMES.index(name) for name in ("hurts", "helps", "equivalent"))

# Advised studies grow to at most this many times their first size.
_MOST = 4

_SAMPLES = 2000


@dataclass(frozen=True)
class Scenario:
    """One kind of study.

    Attributes:
        name: in the table.
        effects: true difference of each claim from the host, in points; the first is the one rates are told of.
        sds: standard deviation over seeds of the host and of the claims, in points.
        correlation: of the scores of two arms with one seed.
        sizes: number of seeds at each look.
        family: number of cells looked at, at least the number of claims.
        delta: the smallest difference that matters.
        controls: true effects of the controls of the first claim, with the claims' spread.
        samples: standard deviation of the difference of two arms that the choice of the samples makes, in points;
            the rule is told its variance as if it were estimated from 2,000 samples.
        luck: of a run: ``normal``, ``t3`` (Student's t with 3 degrees of freedom, of the same spread) or ``bad seeds``
            (one run of twenty is 5 standard deviations worse).
        lost: the chance that a run of the first claim's first control is lost.
        advised: whether the second look has as many seeds as the verdict on the first claim proposes (at most
            three times those of the first look more), and not the number in `sizes`.
    """

    name: str
    effects: tuple[float, ...]
    sds: tuple[float, float] = (0.2, 0.2)
    correlation: float = 0.0
    sizes: tuple[int, ...] = (10,)
    family: int = 12
    delta: float = 0.3
    controls: tuple[float, ...] = ()
    samples: float = 0.0
    luck: str = "normal"
    lost: float = 0.0
    advised: bool = False


@dataclass(frozen=True)
class Rate:
    """How often something happened.

    Attributes:
        scenario: its name.
        what: happened.
        count: in how many studies.
        studies: of how many.
        low: lower end of the 95 % Clopper-Pearson interval.
        high: upper end of it.
        at_least: the bound that is promised; 0 where there is none.
        at_most: the other bound; 1 where there is none.
    """

    scenario: str
    what: str
    count: int
    studies: int
    low: float
    high: float
    at_least: float = 0.0
    at_most: float = 1.0

    @property
    def value(self) -> float:
        """The rate."""
        return self.count / self.studies

    @property
    def agrees(self) -> bool:
        """Whether the promise may be true: its bounds meet the interval.

        That is no proof of it, and the rate that was counted may lie beyond a bound: a power of just 80 % is counted
        as less in half of all simulations.
        """
        return self.high >= self.at_least and self.low <= self.at_most


def simulate(
    scenarios: Sequence[Scenario], *, studies: int = 1000, power: float | None = None, seed: int = 0
) -> tuple[Rate, ...]:
    """Simulate studies of every kind.

    Args:
        scenarios: the kinds.
        studies: how many of each.
        power: the detection that every planted gain of more than delta promises; None for no promise.
        seed: of the random numbers.

    Returns:
        The rates of each scenario: those that have a meaning there.
    """
    generator = np.random.default_rng(seed)
    return tuple(rate for scenario in scenarios for rate in _rates(scenario, studies, power, generator))


def _rates(scenario: Scenario, studies: int, power: float | None, generator: np.random.Generator) -> list[Rate]:
    rule = Rule(scenario.family, scenario.delta)
    scores = _scores(scenario, studies, generator)
    claims = len(scenario.effects)
    differences = scores[:, 1 : 1 + claims] - scores[:, :1]
    of_samples = _variance_of_samples(scenario, differences.shape[:2], generator)
    decisions, covered = _judged(differences, rule, scenario, of_samples)
    effects = np.array(scenario.effects)
    outcome, first = decisions.outcome, scenario.effects[0]
    wrong = ((outcome == _HELPS) & (effects <= 0)) | ((outcome == _HURTS) & (effects >= 0))
    rates = [
        ("false helps or hurts, any claim", wrong.any(axis=1), 0.0, rule.alpha),
        ("the intervals of all looks cover", covered, 1 - rule.alpha, 1.0),
        ("95 % interval covers", _covers(differences[:, 0], first, 0.05, of_samples[:, 0]), 0.93, 0.97),
    ]
    if scenario.sizes == (differences.shape[-1],):
        alpha = alpha_of_look(1, rule.alpha) / rule.family
        shown = np.array([_covers(differences[:, a], effects[a], alpha, of_samples[:, a]) for a in range(claims)])
        rates.append(("the intervals that are shown hold together", shown.all(axis=0), 1 - rule.alpha, 1.0))
        helps = outcome[:, 0] == _HELPS
        if first > 0 and helps.sum() >= 100:
            rates.append(("given 'helps', its interval covers", shown[0][helps], 0.9, 1.0))
    if first > scenario.delta:
        rates.append(("a planted gain helps", outcome[:, 0] == _HELPS, power or 0.0, 1.0))
    if abs(first) >= scenario.delta:
        rates.append(("false equivalent", outcome[:, 0] == _EQUIVALENT, 0.0, rule.alpha))
    if first == 0:
        rates.append(("nothing is equivalent", outcome[:, 0] == _EQUIVALENT, 0.0, 1.0))
    if scenario.controls:
        beaten = _beats_wrongly(scores, scenario, of_samples[:, 0])
        rates.append(("beats a control as good, any", beaten, 0.0, rule.alpha))
    return [_rate(scenario.name, what, hits, at_least, at_most) for what, hits, at_least, at_most in rates]


def screening_rates(
    estimate: Callable[[_Array, _Array], tuple[_Array, _Array]],
    design: _Array,
    effects: Sequence[float],
    *,
    sd: float = 0.2,
    studies: int = 1000,
    seed: int = 0,
) -> tuple[Rate, ...]:
    """Simulate screenings: any estimator of the effects of all cells at once.

    Args:
        estimate: (design, points) to the lower and the upper ends of the intervals, (cells,) each, NaN where it
            gives none.
        design: (n, 1 + cells), a column of ones, then 1 where a run holds the cell.
        effects: true effect of each cell, in points.
        sd: of each run.
        studies: how many.
        seed: of the random numbers.

    Returns:
        How often the interval of the first cell covers its effect, how often any cell without effect has an interval
        that excludes zero, and how often the first cell's interval excludes zero.
    """
    generator, truth = np.random.default_rng(seed), np.asarray(effects, dtype=float)
    points = design[:, 1:] @ truth + generator.normal(0, sd, (studies, len(design)))
    ends = np.array([estimate(design, row) for row in points])
    low, high = ends[:, 0], ends[:, 1]
    excludes = (low > 0) | (high < 0)
    return (
        _rate("screening", "95 % interval covers", (low <= truth)[:, 0] & (high >= truth)[:, 0], 0.93, 0.97),
        _rate("screening", "an effect of nothing excludes zero, any cell", (excludes & (truth == 0)).any(axis=1)),
        _rate("screening", "the first interval excludes zero", excludes[:, 0]),
    )


def _scores(scenario: Scenario, studies: int, generator: np.random.Generator) -> _Array:
    """(studies, 1 + claims + controls, n): the host first."""
    means = np.array([0.0, *scenario.effects, *scenario.controls])
    sds = np.array([scenario.sds[0]] + [scenario.sds[1]] * (len(means) - 1))
    seeds = _MOST * scenario.sizes[0] if scenario.advised else scenario.sizes[-1]
    shared = _luck(scenario, (studies, 1, seeds), generator)
    alone = _luck(scenario, (studies, len(means), seeds), generator)
    luck = sqrt(scenario.correlation) * shared + sqrt(1 - scenario.correlation) * alone
    samples = generator.normal(size=(studies, len(means), 1)) * scenario.samples / sqrt(2)
    scores = means[:, None] + sds[:, None] * luck + samples
    if scenario.lost:
        control = scores[:, 1 + len(scenario.effects)]
        control[generator.random(control.shape) < scenario.lost] = np.nan
    return np.asarray(scores)


def _luck(scenario: Scenario, shape: tuple[int, ...], generator: np.random.Generator) -> _Array:
    if scenario.luck == "t3":
        return generator.standard_t(3, shape) / sqrt(3)
    found = generator.normal(size=shape)
    return found - 5 * (generator.random(shape) < 0.05) if scenario.luck == "bad seeds" else found


def _variance_of_samples(scenario: Scenario, shape: tuple[int, ...], generator: np.random.Generator) -> _Array:
    return np.asarray(scenario.samples**2 * generator.chisquare(_SAMPLES, shape) / _SAMPLES)


def _judged(differences: _Array, rule: Rule, scenario: Scenario, of_samples: _Array) -> tuple[Decisions, _Bools]:
    """The decisions of every study, and whether the first claim's intervals of all looks hold the truth."""
    outcome, look, adjusted, differs = (np.zeros(differences.shape[:2], dtype=kind) for kind in (int, int, float, bool))
    covered = np.ones(len(differences), dtype=bool)
    for sizes, those in _sizes(differences, rule, scenario):
        part = differences[those]
        decisions = decide(part, rule, sizes, variance_of_samples=of_samples[those][..., None])
        outcome[those], look[those] = decisions.outcome, decisions.look
        adjusted[those], differs[those] = decisions.adjusted, decisions.differs
        for index, size in enumerate(sizes, start=1):
            alpha = alpha_of_look(index, rule.alpha)
            covers = _covers(part[:, 0, :size], scenario.effects[0], alpha, of_samples[those][:, 0])
            covered[those] &= covers
    return Decisions(outcome, look, adjusted, differs), covered


def _sizes(differences: _Array, rule: Rule, scenario: Scenario) -> list[tuple[tuple[int, ...], _Bools]]:
    """The sizes of the looks, and the studies that have them."""
    if not scenario.advised:
        return [(scenario.sizes, np.ones(len(differences), dtype=bool))]
    size = scenario.sizes[0]
    spreads = paired_t(differences[:, 0, :size]).sd
    # Rounded, as there is no need to ask for the seeds of thousands of spreads.
    rounded, places = np.unique(np.maximum(spreads.round(2), 0.01), return_inverse=True)
    more = np.array([more_seeds(float(sd), size, rule, next_look=2).seeds for sd in rounded])[places]
    totals = np.minimum(size + more, _MOST * size)
    return [((size, int(total)), totals == total) for total in np.unique(totals)]


def _covers(differences: _Array, truth: float, alpha: float, of_samples: _Array) -> _Bools:
    tested = paired_t(differences, of_samples)
    return np.asarray(np.abs(tested.mean - truth) <= stats.t.isf(alpha / 2, tested.degrees) * tested.error)


def _beats_wrongly(scores: _Array, scenario: Scenario, of_samples: _Array) -> _Bools:
    controls = np.array(scenario.controls)
    against = scores[:, 1:2] - scores[:, -len(controls) :]
    rule = Rule(len(controls), scenario.delta)
    decisions = decide(against, rule, scenario.sizes, variance_of_samples=of_samples[:, None, None])
    return np.asarray(((decisions.outcome == _HELPS) & (controls >= scenario.effects[0])).any(axis=1))


def _rate(scenario: str, what: str, hits: _Bools, at_least: float = 0.0, at_most: float = 1.0) -> Rate:
    count, studies = int(hits.sum()), len(hits)
    low, high = stats.binomtest(count, studies).proportion_ci()
    return Rate(scenario, what, count, studies, float(low), float(high), at_least, at_most)
