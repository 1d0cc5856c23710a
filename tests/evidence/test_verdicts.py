"""The laws of the four verdicts, and the sentences that state them."""

import numpy as np
import pytest
from scipy import stats

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.decisions import OUTCOMES, Rule, decide
from lrlc_nas.evidence.judging import judge, more_seeds
from lrlc_nas.evidence.verdicts import Arm, Cost

HOST = (94.0, 94.3, 94.1, 94.4, 93.9)
GAIN = (0.9, 1.0, 1.1, 0.8, 0.7)
NOTHING = (0.01, 0.02, 0.0, -0.05, 0.02)
SMALL = (0.1, 0.12, 0.11, 0.1, 0.11)
NOISE = (0.9, -0.2, 0.4, 1.0, -0.5)
RULE = Rule(family=12)


def arm(differences, name="conv3=lrlc-4", host=HOST, controls=()):
    return Arm(name, tuple(score + more for score, more in zip(host, differences, strict=True)), controls)


def host_of(scores):
    return Arm("host", tuple(scores))


def judge_one(differences, **options):
    (verdict,) = judge(host_of(HOST), [arm(differences)], RULE, **options)
    return verdict


@pytest.mark.parametrize(
    ("differences", "outcome", "words"),
    [
        (
            GAIN,
            "helps",
            "conv3=lrlc-4 helps at this recipe: +0.90 points "
            "(99.67 % interval +0.46 to +1.34, 5 seeds, for these samples, adjusted p 0.003).",
        ),
        ([-value for value in GAIN], "hurts", "conv3=lrlc-4 hurts at this recipe: -0.90 points"),
        (NOTHING, "equivalent", "is equivalent to the host at this recipe: +0.00 points (92 % interval -0.03 to +0.03"),
        (SMALL, "equivalent", "less than 0.3 points either way; it is not zero, but too small to matter."),
        (NOISE, "undecided", "more seeds for each arm would show a difference of 0.3 points, or that there is none."),
        ([0.2] * 5, "undecided", "but the difference is the same with every seed"),
    ],
)
def test_each_verdict_says_itself_in_one_sentence(differences, outcome, words):
    verdict = judge_one(differences)
    assert verdict.outcome == outcome
    assert words in verdict.text
    assert verdict.text.endswith(".")
    assert (verdict.look == 0) == (outcome == "undecided")


def test_with_one_seed_everything_is_undecided():
    (verdict,) = judge(host_of([94.0]), [Arm("arm", (95.0,))], RULE)
    assert (verdict.outcome, verdict.adjusted_p, verdict.more) == ("undecided", 1.0, None)
    assert verdict.text == "arm is undecided: +1.00 points, but one seed is not enough to estimate the spread."


def test_without_a_seed_there_is_nothing_to_judge():
    with pytest.raises(InputError, match="at least one seed, but the host has no score"):
        judge(host_of([]), [Arm("arm", ())], RULE)


def holm_loop(p_values):
    adjusted, largest = [0.0] * len(p_values), 0.0
    ranked = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(ranked):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(largest, 1.0)
    return adjusted


@pytest.mark.parametrize("seed", range(5))
def test_decisions_are_those_of_a_plain_loop(seed):
    generator = np.random.default_rng(seed)
    differences = generator.normal([[[0.0]], [[0.3]], [[0.6]]], 0.3, (3, 40, 8)).swapaxes(0, 1)
    rule = Rule(family=4, delta=0.4)
    outcome = decide(differences, rule, [8]).outcome
    for study, outcomes in zip(differences, outcome, strict=True):
        p_values = [stats.ttest_1samp(claim, 0).pvalue for claim in study]
        adjusted = holm_loop([*p_values, 1.0])
        for claim, p, code in zip(study, adjusted, outcomes, strict=False):
            lower = stats.ttest_1samp(claim, -0.4, alternative="greater").pvalue
            upper = stats.ttest_1samp(claim, 0.4, alternative="less").pvalue
            sign = "helps" if claim.mean() > 0 else "hurts"
            expected = "equivalent" if max(lower, upper) < 0.04 else sign if p < 0.04 else "undecided"
            assert OUTCOMES[code] == expected
    assert set(outcome.flat) >= {0, 2, 3}


def test_the_interval_that_is_shown_excludes_zero_just_where_a_difference_was_found():
    generator = np.random.default_rng(0)
    excluded = later_step = 0
    for effect in np.repeat([0.2, 0.4, 0.6], 20):
        host = tuple(generator.normal(94, 0.2, 8))
        arms = [arm(generator.normal(effect, 0.2, 8), str(index), host) for index in range(3)]
        for verdict in judge(host_of(host), arms, Rule(4)):
            low, high = verdict.comparison.low, verdict.comparison.high
            excluded += low > 0
            later_step += verdict.differs and verdict.simultaneous[0] <= 0
            assert verdict.differs == (not low <= 0 <= high)
    assert excluded > 20
    assert later_step > 0, "Holm's later steps have been met"


def test_a_larger_family_asks_for_more():
    verdicts = [judge(host_of(HOST), [arm(GAIN)], Rule(family))[0] for family in (1, 12, 200)]
    p_values = [verdict.adjusted_p for verdict in verdicts]
    assert p_values == pytest.approx([p_values[0], 12 * p_values[0], 200 * p_values[0]])
    assert [verdict.outcome for verdict in verdicts] == ["helps", "helps", "undecided"]


def test_what_a_look_has_decided_stays_decided():
    claim = np.array([*GAIN, 0.9, -0.9, 0.8, -0.9, -0.9])
    one, two = decide(claim[None, :5], RULE, [5]), decide(claim[None], RULE, [5, 10])
    assert not decide(claim[None], RULE, [10]).differs.any()
    assert OUTCOMES[one.outcome[0]] == OUTCOMES[two.outcome[0]] == "helps"
    assert two.look[0] == 1
    assert two.adjusted == pytest.approx(one.adjusted)


@pytest.mark.parametrize(
    ("later", "end", "together"),
    [
        (GAIN, "adjusted p 0.003).", True),
        ([0.9, -0.9, 0.8, -0.9, -0.9], "adjusted p 0.003), but the last interval no longer excludes zero.", True),
        # What is shown together rests on the verdict of its look, which would have decided otherwise.
        ([-1.4, -1.8] * 7, "adjusted p 0.003), but the last interval lies on the other side of zero.", False),
    ],
)
@pytest.mark.parametrize(("sign", "outcome"), [(1, "helps"), (-1, "hurts")])
def test_what_an_earlier_look_has_decided_names_that_look(later, end, together, sign, outcome):
    differences = [sign * value for value in (*GAIN, *later)]
    host = tuple(94 + 0.1 * (number % 4) for number in range(len(differences)))
    rule = Rule(12, together=together)
    (verdict,) = judge(host_of(host), [arm(differences, host=host)], rule, sizes=[5, len(differences)])
    assert (verdict.outcome, verdict.look) == (outcome, 1)
    measured, history = verdict.text.split("; ")
    low, high = verdict.comparison.low, verdict.comparison.high
    assert measured.endswith(f"interval {low:+.2f} to {high:+.2f}, {len(host)} seeds, for these samples)")
    assert history == f"this was decided at look 1 of 2, with 5 seeds ({end}"


def test_an_earlier_equivalence_claims_nothing_of_the_last_interval():
    differences = [*NOTHING, 1.0, -1.2, 0.9, -1.1, 1.3]
    host = tuple(94 + 0.1 * (number % 4) for number in range(10))
    (verdict,) = judge(host_of(host), [arm(differences, host=host)], RULE, sizes=[5, 10])
    assert (verdict.outcome, verdict.look) == ("equivalent", 1)
    assert "which is less than" not in verdict.text
    assert (
        "; this was decided within 0.3 points either way at look 1 of 2, with 5 seeds (adjusted p 1.000), "
        "but the last interval reaches beyond that." in verdict.text
    )


def test_what_the_last_look_has_decided_needs_no_such_words():
    first, second = judge_one(GAIN), judge_one(GAIN, sizes=[2, 5])
    assert (second.look, second.looks, second.seeds_at_look, second.history) == (2, 2, 5, "")
    assert second.text == first.text.replace("99.67 % interval +0.46 to +1.34", "99.93 % interval +0.22 to +1.58")


def test_a_later_look_can_find_that_a_difference_is_too_small_to_matter():
    claim = np.array([0.27, 0.28, 0.29, 0.30, 0.31] + [0.1] * 15)
    assert OUTCOMES[decide(claim[None, :5], Rule(1), [5]).outcome[0]] == "helps"
    decisions = decide(claim[None], Rule(1), [5, 20])
    assert (OUTCOMES[decisions.outcome[0]], decisions.look[0]) == ("equivalent", 2)
    assert decisions.differs[0]


def test_a_second_look_has_the_level_that_it_spends():
    verdict = judge_one(NOISE, sizes=[3, 5])
    assert (verdict.alpha, verdict.comparison.confidence) == pytest.approx((0.008, 1 - 0.008 / 12))
    (alone,) = judge(host_of(HOST), [arm(NOISE)], Rule(12, together=False), sizes=[3, 5])
    assert alone.comparison.confidence == pytest.approx(0.992)


def test_a_claim_that_helps_names_the_controls_that_it_beats():
    controls = (arm(NOTHING, "wide-4"), arm(GAIN[::-1], "coord"), arm(SMALL, "tied-4"))
    (verdict,) = judge(host_of(HOST), [arm(GAIN, controls=controls)], RULE)
    assert (verdict.beats, verdict.not_beaten) == (("wide-4", "tied-4"), ("coord",))
    assert "it beats wide-4 and tied-4; it has not been shown to beat coord, which may explain" in verdict.text


def test_a_claim_that_does_not_help_beats_nothing():
    low = (arm([-1.0, -1.1, -0.9, -1.0, -1.2], "wide-4"),)
    (verdict,) = judge(host_of(HOST), [arm(NOTHING, controls=low)], RULE)
    assert (verdict.beats, verdict.not_beaten) == ((), ())


def test_more_seeds_cost_what_they_cost():
    verdict = judge_one(NOISE, cost=Cost(seconds_per_run=60, arms=3))
    assert verdict.more.hours == pytest.approx(verdict.more.seeds * 3 * 60 / 3600)
    assert f"{verdict.more.seeds} more seeds for each arm ({verdict.more.hours:.1f} hours" in verdict.text


def test_more_seeds_are_at_least_one_and_at_most_the_cap():
    assert (more_seeds(0.01, 20, RULE, next_look=2).seeds, more_seeds(9, 5, RULE, next_look=2).seeds) == (1, 200)
    assert more_seeds(9, 5, RULE, next_look=2).capped
    assert "more than 200 more seeds" in judge_one([9 * value for value in NOISE]).text


@pytest.mark.parametrize("sd", [0.2, 0.4])
def test_the_advised_seeds_give_the_power_that_they_promise(sd):
    seeds = 5 + more_seeds(sd, 5, Rule(4), next_look=2).seeds
    generator = np.random.default_rng(0)
    studies = 1500
    gain = generator.normal(0.3, sd, (studies, 1, seeds))
    nothing = generator.normal(0.0, sd, (studies, 1, seeds))
    second = Rule(4, alpha=0.01)  # its first look has the level of the second look of a study at 0.05
    found = decide(gain, second, [seeds]).differs.mean()
    settled = (decide(nothing, second, [seeds]).outcome == OUTCOMES.index("equivalent")).mean()
    error = np.sqrt(0.8 * 0.2 / studies)
    assert min(found, settled) > 0.8 - 4 * error
    assert min(found, settled) < 0.85 + 4 * error


def test_no_claim_gives_no_verdict():
    assert judge(host_of(HOST), [], RULE) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": 0}, "at least 1 cell, but it is 0"),
        ({"family": 1, "delta": 0}, "a positive number, but is 0"),
        ({"family": 1, "alpha": 5}, "between 0 and 1, but is 5"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        Rule(**options)


def test_bad_arms_are_refused_by_name():
    with pytest.raises(InputError, match=r"arm 'a' needs one score for each seed of the arm beside it: 5, but has 1"):
        judge(host_of(HOST), [Arm("a", (1.0,))], RULE)
    with pytest.raises(InputError, match=r"arm 'a': scores are finite numbers, or NaN where a run was lost"):
        judge(host_of(HOST), [Arm("a", (1.0, 2.0, 3.0, 4.0, float("inf")))], RULE)
    with pytest.raises(InputError, match="at least 2, but it is 1"):
        judge(host_of(HOST), [arm(GAIN), arm(NOISE)], Rule(1))
