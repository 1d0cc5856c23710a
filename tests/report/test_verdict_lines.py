"""The verdict says what the numbers say, and how little that is."""

from dataclasses import replace

import pytest

from lrlc_nas.choices import Plan
from lrlc_nas.evidence import screen
from lrlc_nas.evidence.conclusion import conclude
from lrlc_nas.facts import EndCause, RunState
from lrlc_nas.report import read_study, verdict
from lrlc_nas.report.verdict_lines import opened


def told(new_study, new_run, plans, values, space=None):
    study = new_study(**({"space": space} if space else {}))
    runs = [new_run(number, plan, value) for number, (plan, value) in enumerate(zip(plans, values, strict=True))]
    return verdict(study, runs, screen(study, runs, {}))


ONE = {"conv1": ("conv", "lc")}


def test_a_gain_is_named_with_its_interval(new_study, new_run):
    first, *rest = told(new_study, new_run, [{}, {}, {"conv1": "lc"}], [0.800, 0.802, 0.90], ONE)
    assert first.startswith("In this screening, relaxing conv1 with lc moved accuracy by +9.90 points [+")
    assert any("1 of 1 intervals excludes zero; about 0.1 would by chance alone, and as many" in each for each in rest)
    assert any("A screening confirms nothing" in sentence for sentence in rest)


def test_a_loss_is_not_sold_as_a_gain(new_study, new_run):
    first, *_ = told(new_study, new_run, [{}, {}, {"conv1": "lc"}], [0.800, 0.802, 0.70], ONE)
    assert "moved accuracy by −10.10 points [−" in first
    assert first.endswith("no gain can be told from zero.")


@pytest.mark.parametrize("control", ["wide-2", "lrlc-1"])
def test_a_control_does_not_relax(new_study, new_run, control):
    space = {"conv1": ("conv", control)}
    first, *_ = told(new_study, new_run, [{}, {}, {"conv1": control}], [0.800, 0.802, 0.90], space)
    assert f"replacing conv1 by the control {control} moved accuracy" in first


def test_what_cannot_be_told_from_conv_is_not_called_an_effect(new_study, new_run):
    plans = [{}, {}, {"conv1": "lc"}, {"conv2": "lc"}]
    first, *_ = told(new_study, new_run, plans, [0.80, 0.84, 0.83, 0.82])
    assert first.startswith(
        "In this screening, no choice can be distinguished from conv: all 2 intervals include zero. "
        "The highest estimate is that of relaxing conv1 with lc, +1.00 points [−"
    )


def test_without_interval_nothing_is_told_from_chance(new_study, new_run):
    first, *rest = told(new_study, new_run, [{}, {"conv1": "lc"}], [0.80, 0.90])
    assert first == (
        "In this screening, relaxing conv1 with lc has the highest estimate, +10.00 points, but there "
        "are too few runs to tell it from chance."
    )
    assert rest[0].startswith("The best single run, number 1, reached 90.00 %")


def test_hosts_alone_separate_nothing(new_study, new_run):
    first, second = told(new_study, new_run, [{}, {}], [0.80, 0.82])
    assert "No effect is estimable yet" in first
    assert second == (
        "The best single run, number 1, reached 82.00 % on the search split; the host reached 81.00 % "
        "(the mean of 2 seeds, standard deviation 1.41 points)."
    )


def test_an_unfinished_study_says_so(new_study, new_run):
    runs = [new_run(0, {}, state="running"), new_run(1, None, state="waiting")]
    assert verdict(new_study(trials=2), runs, screen(new_study(), runs, {})) == (
        "No run has finished yet, so that this screening shows nothing so far.",
        "The study is not finished: of 2 runs, 1 running and 1 waiting.",
    )


def test_runs_that_were_all_pruned_or_failed_show_nothing(new_study, new_run):
    runs = [new_run(0, {}, 0.5, state="pruned"), new_run(1, {}, None, state="failed", reason="not finite")]
    assert verdict(new_study(), runs, screen(new_study(), runs, {})) == (
        "No run is complete (1 pruned and 1 failed), so that this screening shows nothing.",
    )


def test_a_verdict_of_the_confirmation_comes_before_the_screening(confirmed_store):
    reading = read_study(confirmed_store, "small")
    alone = verdict(reading.study, reading.runs, reading.screening)
    first, *rest = verdict(reading.study, reading.runs, reading.screening, reading.confirmation)
    assert first.startswith("Confirmed on 4 fresh seeds: conv1: lc helps at this recipe by +5.10 points [")
    assert tuple(rest[-len(alone) :]) == alone


def test_a_claim_that_lost_runs_is_not_confirmed_and_the_reason_is_told(confirmed_store):
    reading = read_study(confirmed_store, "small")
    before, claim = reading.confirmation, Plan.of({"conv1": "lc"})
    runs = tuple(
        replace(run, state=RunState.PRUNED, value=None, cause=EndCause.DIVERGED)
        if run.plan == claim and run.repeat == 0
        else run
        for run in before.runs
    )
    after = replace(before, runs=runs, conclusion=conclude(before.study, runs))
    first, *_ = verdict(reading.study, reading.runs, reading.screening, after)
    assert first.startswith("No claim is confirmed on 3 fresh seeds: conv1: lc is undecided, +5.10 points [")
    assert "] (1 of its 4 runs did not complete, but none of the host's, so the others" in first


def test_a_claim_that_an_earlier_look_confirmed_names_that_look(confirmed_store):
    reading = read_study(confirmed_store, "small")
    (gain,) = reading.confirmation.conclusion.confirmed
    later = replace(gain, verdict=replace(gain.verdict, looks=2))
    conclusion = replace(reading.confirmation.conclusion, results=(later,))
    confirmation = replace(reading.confirmation, conclusion=conclusion)
    first, *_ = verdict(reading.study, reading.runs, reading.screening, confirmation)
    assert "] (this was decided at look 1 of 2, with 4 seeds (adjusted p " in first


@pytest.mark.parametrize(("times", "word"), [(0, "never opened"), (1, "opened once"), (3, "opened 3 times")])
def test_each_opening_of_the_test_split_counts(times, word):
    assert opened(times) == f"the test split was {word}"


def test_a_headline_is_about_the_set_where_the_effect_alone_is_not_known(new_study, new_run):
    space = {"conv1": ("conv", "lc"), "conv2": ("conv", "lc")}
    plans = [{}, {"conv1": "lc"}, {"conv2": "lc"}, {"conv1": "lc", "conv2": "lc"}] * 4
    values = [0.8 + 0.06 * (len(plan) == 2) + 0.001 * (n % 3) for n, plan in enumerate(plans)]
    first, *_ = told(new_study, new_run, plans, values, space)
    assert "in plans that relax conv" in first
    additive = [0.8 + 0.03 * len(plan) + 0.001 * (n % 3) for n, plan in enumerate(plans)]
    first, *_ = told(new_study, new_run, plans, additive, space)
    assert "in plans" not in first


def test_openings_by_other_studies_of_the_same_images_are_told():
    assert opened(1, 2) == "the test split was opened once, and its images twice by other studies"
    assert opened(0, 1) == "the test split was never opened here, and its images once by other studies"
