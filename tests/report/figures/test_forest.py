"""The forest has every comparison, seed by seed, and estimate of the search beside it."""

from dataclasses import replace
from statistics import mean

import pytest

from lrlc_nas.choices import Plan
from lrlc_nas.evidence import compare
from lrlc_nas.report import read_study
from lrlc_nas.report.figures.forest import draw_forest, forest, forest_table


@pytest.fixture
def reading(confirmed_store):
    return read_study(confirmed_store, "small")


def test_each_claim_is_followed_by_its_controls(reading):
    first, *controls, last = [(row.claim, row.against, row.outcome) for row in forest(reading).rows]
    assert first == ("conv1: lc", "host", "helps")
    assert set(controls) == {("conv1: lc", "coord", "not beaten"), ("conv1: lc", "wide-2", "beaten")}
    assert last == ("conv2: lc", "host", "hurts")


def test_seeds_are_the_pairs_that_the_comparison_is_of(reading):
    for row in forest(reading).rows:
        assert mean(row.differences) == pytest.approx(row.comparison.difference)
        assert len(row.differences) == row.comparison.n == 4
    first = forest(reading).rows[0]
    again = compare(
        reading.confirmation.scores(Plan.of({"conv1": "lc"})),
        reading.confirmation.scores(Plan()),
        confidence=first.comparison.confidence,
    )
    assert first.comparison == again


def test_shrinkage_is_what_the_search_saw_less_what_fresh_seeds_say(reading):
    row = forest(reading).rows[0]
    (effect,) = [e for e in reading.screening.effects if (e.site, e.choice) == ("conv1", "lc")]
    assert row.searched == effect.estimate
    assert row.shrinkage == pytest.approx(effect.estimate - 5.1)


def test_a_plan_of_several_sites_is_told_by_its_runs(new_store, confirm):
    store = new_store()
    plan = {"conv1": "lrlc-2", "conv2": "lc"}
    arms = {"{}": [70.0, 70.3], '{"conv1": "lrlc-2", "conv2": "lc"}': [75.0, 75.2]}
    confirm(store, {"best plan": (plan, {})}, arms)
    (row,) = forest(read_study(store, "small")).rows
    assert (row.searched, row.shrinkage) == (None, None)  # no run of the search is complete with this plan


def test_drawn_points_and_dots_are_the_rows(reading):
    info = forest(reading)
    drawn = {trace.name: trace for trace in draw_forest(info).data}
    assert drawn["fresh seeds"].x == tuple(row.comparison.difference for row in info.rows)
    assert drawn["each seed"].x == tuple(value for row in info.rows for value in row.differences)
    assert drawn["estimate of the search"].x == tuple(row.searched for row in info.rows if row.searched is not None)
    assert len(forest_table(info).rows) == len(info.rows)


def test_the_axis_holds_what_was_measured_and_wastes_no_room(reading):
    info = forest(reading)
    low, high = draw_forest(info).layout.xaxis.range
    measured = [value for row in info.rows for value in row.differences]
    assert low < min(measured) < -info.delta < info.delta < max(measured) < high
    assert high - low < 3 * (max(measured) - min(measured))
    gains = replace(info, rows=tuple(row for row in info.rows if row.comparison.difference > 0))
    low, high = draw_forest(gains).layout.xaxis.range
    assert -low < high / 3


def test_the_names_of_controls_are_whole(reading):
    info = forest(reading)
    long = replace(info, rows=(replace(info.rows[1], against="tied (tied-2, tied-4)"),))
    assert draw_forest(long).layout.yaxis.ticktext == ("… − tied (tied-2, tied-4)",)


def test_without_a_confirmation_there_is_none(new_store):
    assert forest(read_study(new_store(), "small")).rows == ()
