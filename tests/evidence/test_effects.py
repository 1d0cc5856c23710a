"""The laws of the screening: least squares, Student's t, and silence where the runs cannot tell."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import stats
from toy_epochs import an_epoch
from toy_screening import CELLS, PLANS, RELAXED, make_run, make_runs, make_study

from lrlc_nas.evidence import Screening, screen
from lrlc_nas.facts import EndCause


def noisy_values(plans, truth, sd, seed=0):
    noise = np.random.default_rng(seed).normal(0, sd, len(plans))
    means = [0.8 + sum(truth.get(cell, 0.0) for cell in plan.items()) for plan in plans]
    return [float(value) for value in np.array(means) + noise]


def assert_no_nan(screening: Screening) -> None:
    numbers = [
        getattr(record, field.name)
        for record in (screening, screening.host, *screening.effects)
        for field in fields(record)
    ]
    assert all(math.isfinite(number) for number in numbers if isinstance(number, float))


def test_estimates_are_those_of_least_squares():
    values = noisy_values(PLANS, {("conv1", "lc"): 0.02}, 0.01)
    design = np.array([[1.0] + [float(plan.get(site) == token) for site, token in CELLS] for plan in PLANS])
    expected, *_ = np.linalg.lstsq(design, 100 * np.array(values), rcond=None)
    residuals = 100 * np.array(values) - design @ expected

    screening = screen(make_study(), make_runs(PLANS, values), {})

    assert [(effect.site, effect.choice) for effect in screening.effects] == CELLS
    assert [effect.estimate for effect in screening.effects] == pytest.approx(expected[1:])
    assert screening.degrees_of_freedom == len(PLANS) - 5
    assert screening.residual_sd == pytest.approx(np.sqrt(residuals @ residuals / (len(PLANS) - 5)))


def test_one_cell_gives_the_t_interval_of_welch():
    hosts, relaxed = [0.80, 0.82, 0.81], [0.84, 0.85]
    runs = make_runs([{}] * 3 + [{"conv1": "lc"}] * 2, hosts + relaxed)
    interval = stats.ttest_ind(relaxed, hosts, equal_var=False).confidence_interval(0.95)

    (effect,) = screen(make_study({"conv1": ("conv", "lc")}), runs, {}).effects

    assert effect.estimate == pytest.approx(100 * (0.845 - 0.81))
    assert (effect.low, effect.high) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert effect.runs == 2
    assert effect.distinguishable


def test_intervals_cover_the_truth_as_often_as_they_say():
    truth = {("conv1", "lc"): 0.02, ("conv2", "lrlc-2"): -0.01}
    hits = []
    for seed in range(200):
        screening = screen(make_study(), make_runs(PLANS, noisy_values(PLANS, truth, 0.01, seed)), {})
        hits += [
            effect.low <= 100 * truth.get((effect.site, effect.choice), 0.0) <= effect.high
            for effect in screening.effects
        ]
    # 800 intervals, dependent in fours: at worst a standard error of 1.5 percent.
    assert 0.91 < np.mean(hits) < 0.99


def test_the_host_is_summarised_over_its_own_runs():
    runs = make_runs([{}, {}, {"conv1": "lc"}], [0.80, 0.84, 0.99])
    host = screen(make_study(), runs, {}).host
    assert (host.runs, host.mean, host.sd) == (2, pytest.approx(82.0), pytest.approx(np.std([80, 84], ddof=1)))


def test_the_best_run_is_the_first_of_the_highest_complete_ones():
    runs = make_runs([{}, {"conv1": "lc"}, {"conv2": "lc"}], [0.8, 0.9, 0.9])
    runs.append(make_run(3, {"conv1": "lrlc-2"}, 0.99, state="pruned"))
    assert screen(make_study(), runs, {}).best is runs[1]


@pytest.mark.parametrize("state", ["waiting", "running", "pruned", "failed"])
def test_runs_that_neither_ended_nor_fell_behind_are_not_used(state):
    runs = make_runs(PLANS, noisy_values(PLANS, {}, 0.01))
    more = [*runs, make_run(90, {"conv1": "lc"}, 0.1, state=state), make_run(91, None, None, state=state)]
    assert screen(make_study(), more, {}).effects == screen(make_study(), runs, {}).effects


def test_a_choice_without_a_run_has_no_estimate():
    plans = [plan for plan in PLANS if plan.get("conv2") != "lc"]
    *others, missing = screen(make_study(), make_runs(plans, noisy_values(plans, {}, 0.01)), {}).effects
    assert all(effect.estimable and effect.low is not None for effect in others)
    assert (missing.estimate, missing.low, missing.high, missing.runs) == (None, None, None, 0)
    assert missing.reason == "no complete run has this choice here"


def test_aliased_choices_have_no_estimate_and_leave_the_others_alone():
    plans = [{}, {}, {"conv1": "lc", "conv2": "lc"}, {"conv1": "lc", "conv2": "lc"}, {"conv1": "lrlc-2"}]
    runs = make_runs(plans, [0.80, 0.82, 0.90, 0.91, 0.84])
    effects = {(effect.site, effect.choice): effect for effect in screen(make_study(), runs, {}).effects}
    for site in ("conv1", "conv2"):
        assert effects[site, "lc"].estimate is None
        assert effects[site, "lc"].runs == 2
        assert "do not separate" in effects[site, "lc"].reason
    assert effects["conv1", "lrlc-2"].estimate == pytest.approx(3.0)


def test_the_same_choice_everywhere_cannot_be_told_from_the_host():
    runs = make_runs([{"conv1": "lc"}, {"conv1": "lc", "conv2": "lc"}], [0.8, 0.9])
    effects = {(effect.site, effect.choice): effect for effect in screen(make_study(), runs, {}).effects}
    assert effects["conv1", "lc"].estimate is None
    assert effects["conv2", "lc"].estimate == pytest.approx(10.0)


def test_without_degrees_of_freedom_there_is_no_interval():
    plans = [{}, *({site: token} for site, token in CELLS)]
    screening = screen(make_study(), make_runs(plans, [0.80, 0.81, 0.82, 0.83, 0.84]), {})
    assert [effect.estimate for effect in screening.effects] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert {(effect.low, effect.high, effect.distinguishable) for effect in screening.effects} == {(None, None, False)}
    assert (screening.residual_sd, screening.degrees_of_freedom) == (None, 0)
    assert any("so there is no interval" in sentence for sentence in screening.caveats)


def test_equal_accuracies_give_no_interval_of_zero_width():
    screening = screen(make_study(), make_runs(PLANS, [0.5] * len(PLANS)), {})
    assert screening.residual_sd == 0.0
    assert all(effect.low is None and "no spread" in effect.reason for effect in screening.effects)


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [make_run(0, {}, 0.8)],
        [make_run(0, {"conv1": "lc"}, 0.8)],
        [make_run(0, {}, None), make_run(1, {}, float("nan"))],
        [make_run(0, {}, 0.8), make_run(1, {}, 0.8)],
        [make_run(0, {}, 0.8, state="failed")],
    ],
)
def test_few_runs_give_no_number_that_is_not_one(runs):
    screening = screen(make_study(), runs, {})
    assert_no_nan(screening)
    assert not any(effect.distinguishable for effect in screening.effects)
    assert all(effect.reason for effect in screening.effects)


def test_a_study_without_complete_run_says_only_that_it_is_a_screening():
    screening = screen(make_study(), [], {})
    assert (screening.best, screening.runs_used, screening.host.mean) == (None, 0, None)
    assert len(screening.caveats) == 1


def test_runs_that_were_pruned_tell_nothing_without_a_complete_run():
    runs = [
        replace(make_run(number, tokens, None, state="pruned", role="sampled"), cause=EndCause.BEHIND)
        for number, tokens in enumerate(RELAXED)
    ]
    epochs = {run.run_id: [an_epoch(0, 0.4)] for run in runs}
    screening = screen(make_study(), runs, epochs)
    assert_no_nan(screening)
    assert (screening.runs_used, screening.runs_pruned_used, screening.runs_pruned) == (0, 0, len(runs))
    assert all(effect.estimate is None and effect.reason for effect in screening.effects)


def test_only_intervals_that_there_are_exclude_zero_by_chance():
    plans = [{}, {}, {"conv1": "lc"}, {"conv2": "lc"}]
    screening = screen(make_study(), make_runs(plans, [0.80, 0.81, 0.82, 0.83]), {})
    assert sum(effect.low is not None for effect in screening.effects) == 2
    assert "with 2 intervals, about 0.1 would exclude zero by chance" in " ".join(screening.caveats)


def test_caveats_name_what_was_not_used_and_what_was_chosen_by_the_sampler():
    runs = make_runs(PLANS, noisy_values(PLANS, {}, 0.01))
    runs[-1] = replace(runs[-1], role="sampled")
    runs += [make_run(90, {"conv1": "lc"}, 0.1, state="pruned"), make_run(91, {}, None, state="failed")]
    text = " ".join(screen(make_study(), runs, {}).caveats)
    assert "1 run was pruned and is not used" in text
    assert f"1 of the {len(PLANS)} runs used came from the sampler" in text
    assert "1 run has failed and is not used" in text
    assert "with 4 intervals, about 0.2 would exclude zero by chance" in text
