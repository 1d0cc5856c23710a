"""The laws of a comparison of two arms, and of Holm's correction."""

import math
from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.comparison import compare, holm, probability_of_superiority

ARM = [94.4, 94.1, 94.9, 94.3, 94.6]
HOST = [94.0, 94.2, 94.3, 93.9, 94.1]


def test_the_interval_and_p_are_those_of_the_paired_t_test():
    expected = stats.ttest_rel(ARM, HOST)
    interval = expected.confidence_interval(0.96)
    comparison = compare(ARM, HOST, confidence=0.96)
    assert comparison.difference == pytest.approx(np.mean(ARM) - np.mean(HOST))
    assert (comparison.low, comparison.high) == pytest.approx((interval.low, interval.high))
    assert comparison.p == pytest.approx(expected.pvalue)
    assert comparison.interval(0.96) == pytest.approx((interval.low, interval.high))


def test_pairing_gain_and_correlation_are_what_they_say():
    comparison = compare(ARM, HOST)
    gain = (np.var(ARM, ddof=1) + np.var(HOST, ddof=1)) / comparison.sd_of_difference**2
    assert comparison.pairing_gain == pytest.approx(gain)
    assert comparison.correlation == pytest.approx(np.corrcoef(ARM, HOST)[0, 1])


@pytest.mark.parametrize(
    ("noise", "words"),
    [([0.01, -0.01, 0.02, 0.0, -0.02], "was worth"), ([-0.4, 0.4, -0.5, 0.4, 0.1], "brought no benefit")],
)
def test_the_sentence_says_what_pairing_bought(noise, words):
    luck = np.array([0.2, -0.2, 0.25, -0.2, -0.05])
    assert words in compare(94 + luck + noise, 94 + luck).pairing


def test_superiority_counts_all_pairs_and_half_of_the_ties():
    arm, baseline = [1.0, 2.0, 3.0, 3.0], [1.0, 2.5, 0.0, 3.0]
    wins = [(a > b) + 0.5 * (a == b) for a in arm for b in baseline]
    assert compare(arm, baseline).superiority == pytest.approx(sum(wins) / 16)


@pytest.mark.parametrize(("arm", "baseline", "estimate"), [([3.0, 4.0], [1.0, 2.0], 1), ([1.0, 2.0], [3.0, 4.0], 0)])
def test_a_clean_sweep_has_an_interval_of_some_width(arm, baseline, estimate):
    value, low, high = probability_of_superiority(np.array(arm), np.array(baseline), 0.95)
    assert value == estimate
    assert low <= value <= high
    assert high - low > 0.3


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_interval_of_superiority_covers_the_truth(shift):
    generator = np.random.default_rng(0)
    truth, studies = stats.norm.cdf(shift / math.hypot(0.2, 0.5)), 600
    hits = 0
    for arm, baseline in zip(
        generator.normal(shift, 0.5, (studies, 8)), generator.normal(0, 0.2, (studies, 8)), strict=True
    ):
        _, low, high = probability_of_superiority(arm, baseline, 0.95)
        hits += low <= truth <= high
    # Newcombe's interval keeps about 93 percent where spreads differ as much as here.
    assert hits / studies > 0.93 - 4 * math.sqrt(0.93 * 0.07 / studies)


@pytest.mark.parametrize(
    ("arm", "baseline", "reason"),
    [
        ([], [], "no seed is complete in both arms"),
        ([94.0], [93.0], "one seed is not enough to estimate the spread"),
        ([94.0, 95.0, 96.0], [93.0, 94.0, 95.0], "the same with every seed"),
        ([94.0, 94.0], [94.0, 94.0], "the same with every seed"),
    ],
)
def test_where_runs_cannot_tell_there_is_no_interval_but_a_reason(arm, baseline, reason):
    comparison = compare(arm, baseline)
    assert reason in comparison.reason
    assert (comparison.low, comparison.high, comparison.p) == (None, None, None)
    assert comparison.interval(0.5) is None
    values = [getattr(comparison, field.name) for field in fields(comparison)]
    assert all(math.isfinite(value) for value in values if isinstance(value, float))


def test_scores_of_different_length_are_refused():
    with pytest.raises(InputError, match="one score of each arm for each seed, but got 2 and 1"):
        compare([1.0, 2.0], [1.0])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    with pytest.raises(InputError, match=f"pair 1 is {bad} and 2"):
        compare([1.0, bad], [1.0, 2.0])


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_level_outside_zero_and_one_is_refused(confidence):
    with pytest.raises(InputError, match=f"between 0 and 1, but is {confidence}"):
        compare(ARM, HOST, confidence=confidence)


@pytest.mark.parametrize(
    ("family", "known"),
    [(4, [0.012, 0.06, 0.0004, 0.06]), (5, [0.016, 0.09, 0.0005, 0.09]), (12, [0.044, 0.3, 0.0012, 0.3])],
)
def test_to_holm_untested_cells_count_as_one(family, known):
    assert holm([0.004, 0.03, 0.0001, 0.03], family) == pytest.approx(known)


def test_holm_takes_each_study_by_itself():
    studies = np.random.default_rng(0).uniform(0, 0.1, (5, 3))
    assert holm(studies, 6) == pytest.approx(np.array([holm(study, 6) for study in studies]))


def test_a_family_smaller_than_its_claims_is_refused():
    with pytest.raises(InputError, match="at least 2, but it is 1"):
        holm([0.1, 0.2], 1)
