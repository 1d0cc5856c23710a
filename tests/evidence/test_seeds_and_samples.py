"""Intervals over seeds and samples: what the estimator estimates, what it makes of a comparison, and what it says."""

import numpy as np
import pytest
from scipy import stats

from lrlc_nas.evidence.comparison import compare, paired_t
from lrlc_nas.evidence.decisions import Rule
from lrlc_nas.evidence.judging import judge, more_seeds
from lrlc_nas.evidence.samples import satterthwaite, variance_of_samples
from lrlc_nas.evidence.verdicts import Arm

SEEDS, SAMPLES = 6, 400


def world(generator, seed_sd=0.02, sample_sd=0.5, rest_sd=1.0, gain=0.0, seeds=SEEDS):
    """The items of two arms; the difference of each has a part of its seed, one of its sample and a rest."""
    other = generator.normal(size=(seeds, SAMPLES))
    own = gain + seed_sd * generator.normal(size=(seeds, 1)) + sample_sd * generator.normal(size=SAMPLES)
    return list(other + own + rest_sd * generator.normal(size=(seeds, SAMPLES))), list(other)


def arms(own, other, **more):
    return (
        Arm(name, tuple(items.mean() for items in each), items=tuple(each), **more)
        for name, each in (("a", own), ("b", other))
    )


@pytest.mark.parametrize("sample_sd", [0.0, 0.5])
def test_the_part_of_the_samples_is_estimated_without_bias(sample_sd):
    generator = np.random.default_rng(0)
    found = [variance_of_samples(*world(generator, sample_sd=sample_sd))[0] for _ in range(300)]
    spread = np.std(found) / np.sqrt(len(found))
    # Negative estimates are told as 0, which is a little too much where there is nothing.
    assert (
        sample_sd**2 / SAMPLES - 3 * spread
        < np.mean(found)
        < sample_sd**2 / SAMPLES + 3 * spread + 2e-4 * (not sample_sd)
    )


def test_it_is_the_two_way_analysis_of_variance():
    own, other = world(np.random.default_rng(1))
    differences = np.array(own) - np.array(other)
    total, n, m = ((differences - differences.mean()) ** 2).sum(), *differences.shape
    of_samples = n * ((differences.mean(axis=0) - differences.mean()) ** 2).sum()
    of_seeds = m * ((differences.mean(axis=1) - differences.mean()) ** 2).sum()
    error = (total - of_samples - of_seeds) / ((n - 1) * (m - 1))
    expected = (of_samples / (m - 1) - error) / (n * m)
    assert variance_of_samples(own, other) == (pytest.approx(expected), m)


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ([np.ones(3)], [np.zeros(3)]),
        ([np.ones(1)] * 3, [np.zeros(1)] * 3),
        ([np.ones(3), None], [np.zeros(3)] * 2),
        ([np.ones(3), np.ones(4)], [np.zeros(3), np.zeros(4)]),
        ([], []),
    ],
)
def test_where_samples_cannot_be_told_apart_nothing_is_added(own, other):
    assert variance_of_samples(own, other) == (0.0, 0)


def test_the_interval_holds_the_gain_in_the_population_and_without_samples_does_not():
    generator, held = np.random.default_rng(2), []
    for _ in range(400):
        first, second = arms(*world(generator, seed_sd=0.02, sample_sd=1.0, rest_sd=0.2, gain=0.1))
        variance, samples = variance_of_samples(first.items, second.items)
        counted = compare(first.scores, second.scores, samples=samples, variance_of_samples=variance)
        ignored = compare(first.scores, second.scores)
        held.append([each.low <= 0.1 <= each.high for each in (counted, ignored)])
    counted, ignored = np.mean(held, axis=0)
    assert counted == pytest.approx(0.95, abs=0.04)
    assert ignored < 0.7


def test_degrees_of_freedom_lie_between_those_of_the_seeds_and_none_at_all():
    of_seeds, n = np.array([1.0, 1.0, 0.0]), np.array([5, 5, 5])
    assert satterthwaite(of_seeds, np.array([0.0, 1.0, 1.0]), n).tolist() == [4.0, 16.0, 4.0]


def test_without_samples_it_is_students_test_of_the_seeds_that_are_there():
    differences = np.random.default_rng(3).normal(0.2, 1, (50, 7))
    expected = stats.ttest_1samp(differences, 0, axis=1).pvalue
    lost = np.concatenate([np.full((50, 2), np.nan), differences], axis=1)
    assert paired_t(differences).p == pytest.approx(expected)
    assert paired_t(lost).p == pytest.approx(expected)


def test_a_verdict_says_what_its_interval_counts():
    first, second = arms(*world(np.random.default_rng(4), gain=1.0))
    (counted,) = judge(second, [first], Rule(1, delta=0.01))
    (ignored,) = judge(Arm("b", second.scores), [Arm("a", first.scores)], Rule(1, delta=0.01))
    assert f"{SEEDS} seeds and {SAMPLES} samples" in counted.text
    assert f"{SEEDS} seeds, for these samples" in ignored.text


def test_where_the_samples_alone_leave_it_open_no_seeds_are_advised():
    advice = more_seeds(0.1, 8, Rule(1), next_look=2, variance_of_samples=0.3**2)
    assert advice.samples
    assert not more_seeds(0.1, 8, Rule(1), next_look=2, variance_of_samples=0.01**2).samples
    first, second = arms(*world(np.random.default_rng(5), sample_sd=4.0, gain=0.1))
    (verdict,) = judge(second, [first], Rule(1))
    assert verdict.text.endswith("to tell a difference of 0.3 points, the confirm split needs more samples.")
