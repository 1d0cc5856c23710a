"""Screenings of studies whose truth is known: the intervals hold it, whatever was pruned and proposed."""

import pytest

from lrlc_nas.evidence import screen
from lrlc_nas.facts import EndCause
from lrlc_nas.search.pruning import AUDIT
from tests.rates.screening_simulation import Setting, coverage, simulate_search

STUDIES = 60


@pytest.mark.parametrize(
    "setting",
    [Setting(), Setting(trials=40, persistence=0.95), Setting(trials=36, effect_sd=0.0)],
    ids=["small", "early accuracies tell much", "no effects"],
)
def test_intervals_hold_the_truth_as_often_as_they_say(setting):
    found = coverage(setting, STUDIES, seed=1)
    # 540 intervals, dependent in nines: a standard error of about 1 percent.
    assert found.intervals == STUDIES * 9
    assert 0.92 < found.rate < 0.985
    assert abs(found.bias) < 0.06
    # Of 60 studies 3 are expected; 9 and more come by chance four times in a thousand.
    assert found.disagreements < 0.15
    assert found.interacting < 0.15


def test_runs_that_were_pruned_make_estimates_better():
    setting = Setting(trials=48, persistence=0.95)
    used, left_aside = (coverage(setting, 30, seed=7, complete_only=only) for only in (False, True))
    assert used.error < 0.9 * left_aside.error


def test_a_simulated_search_is_pruned_and_audited_as_real_ones_are():
    made = simulate_search(Setting(trials=60, audit=0.3), 3)
    states = [run.state for run in made.runs]
    assert states[:12] == ["complete"] * 12
    assert {"complete", "pruned"} == set(states[12:])
    judged = [run for run in made.runs[12:] if AUDIT in run.facts]
    assert {run.state for run in judged} == {"complete"}
    assert {bool(run.facts[AUDIT]) for run in judged} == {True, False}
    assert len({run.plan for run in made.runs[2:]}) == 58
    for run in made.runs:
        length = len(made.epochs[run.run_id])
        assert length == 6 or run.cause == EndCause.BEHIND


def test_all_runs_pruned_are_used():
    made = simulate_search(Setting(trials=40), 0)
    screening = screen(made.study, made.runs, made.epochs)
    pruned = sum(run.state == "pruned" for run in made.runs)
    assert screening.runs_pruned_used == screening.runs_pruned == pruned > 5
    text = " ".join(screening.caveats)
    assert f"{pruned} runs were pruned early and are used up to there" in text


def test_where_complete_runs_cannot_tell_what_the_others_missed_these_are_left_aside():
    made = simulate_search(Setting(trials=24, host_repeats=1), 0)
    few = [run for run in made.runs if run.state == "pruned" or run.role != "sampled"]
    screening = screen(made.study, few, made.epochs)
    assert (screening.runs_pruned_used, screening.degrees_of_freedom) == (0, 0)
    assert f"{screening.runs_pruned} runs were pruned and are not used" in " ".join(screening.caveats)


def test_a_complete_run_without_its_epochs_leaves_the_others_aside():
    made = simulate_search(Setting(trials=40), 0)
    epochs = {run_id: recorded for run_id, recorded in made.epochs.items() if run_id != 0}
    without = screen(made.study, made.runs, epochs)
    assert without.runs_pruned_used == 0
    assert without.effects == screen(made.study, made.runs, {}).effects


def test_two_screenings_of_the_same_runs_are_equal():
    made = simulate_search(Setting(), 5)
    assert screen(made.study, made.runs, made.epochs) == screen(made.study, made.runs, made.epochs)
