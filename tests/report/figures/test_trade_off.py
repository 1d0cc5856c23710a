"""The Pareto front is the set of runs that no other run dominates."""

import random
from statistics import mean

import pytest

from lrlc_nas.report import read_study
from lrlc_nas.report.figures.trade_off import COSTS, draw_trade_off, trade_off, trade_off_table


def dominated(one, others):
    return any(
        other.cost <= one.cost and other.value >= one.value and (other.cost, other.value) != (one.cost, one.value)
        for other in others
    )


@pytest.mark.parametrize("seed", range(20))
def test_front_is_what_nothing_dominates(new_run, seed):
    draw = random.Random(seed)
    runs = [
        new_run(number, {"conv1": "lc"}, draw.randint(0, 5) / 10, parameters=draw.randint(1, 6)) for number in range(12)
    ]
    points = trade_off(runs, "parameters").points
    assert [point.on_front for point in points] == [not dominated(point, points) for point in points]


@pytest.mark.parametrize(("cost", "expected"), [("parameters", [5, 6]), ("macs", [70, 60])])
def test_only_complete_runs_with_a_cost_are_compared(new_run, cost, expected):
    runs = [
        new_run(0, {}, 0.5, parameters=5, macs=70),
        new_run(1, {"conv1": "lc"}, 0.6, parameters=6, macs=60),
        new_run(2, {"conv1": "lc"}, 0.9, state="pruned"),
        new_run(3, {"conv1": "lc"}, None, state="failed"),
        new_run(4, {"conv1": "lc"}, 0.9, parameters=None, macs=None),
        new_run(5, None, None, state="waiting"),
        new_run(6, {}, float("nan")),
    ]
    assert [point.cost for point in trade_off(runs, cost).points] == expected


def test_the_host_and_the_front_are_marked(new_run):
    runs = [new_run(0, {}, 0.5, parameters=5), new_run(1, {"conv1": "lc"}, 0.6, parameters=6)]
    figure = draw_trade_off(trade_off(runs, "parameters"))
    drawn = {trace.name: list(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    assert drawn["host"] == [(5, 50.0)]
    assert drawn["relaxed, on the front"] == [(6, 60.0)]
    assert drawn["Pareto front"] == [(5, 50.0), (6, 60.0)]


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_number_of_runs_can_be_drawn(new_run, cost, count):
    runs = [new_run(number, {}, 0.5, parameters=10**number, macs=0) for number in range(count)]
    assert draw_trade_off(trade_off(runs, cost)).to_json()


def test_costs_that_differ_much_are_drawn_on_a_logarithmic_axis(new_run):
    near, far = (
        draw_trade_off(trade_off([new_run(0, {}, 0.5, parameters=10), new_run(1, {}, 0.6, parameters=p)], "parameters"))
        for p in (20, 2000)
    )
    assert (near.layout.xaxis.type, far.layout.xaxis.type) == (None, "log")


def test_arms_of_the_confirmation_are_means_over_its_seeds(confirmed_store):
    reading = read_study(confirmed_store, "small")
    for cost, of_claim in (("parameters", 1100), ("macs", 2000), ("latency", 20.0)):
        info = trade_off(reading.runs, cost, reading.confirmation)
        arms = {arm.label: arm for arm in info.arms}
        assert {label: arm.kind for label, arm in arms.items()} == {
            "host": "host",
            "conv1: lc": "claim",
            "conv2: lc": "claim",
            "conv1: lc, control wide-2": "control",
            "conv1: lc, control coord": "control",
        }
        assert arms["conv1: lc"].cost == of_claim
        assert 100 * arms["conv1: lc"].value == pytest.approx(mean([75.1, 75.0, 75.3, 75.2]))
        drawn = {trace.name: trace for trace in draw_trade_off(info).data}
        assert drawn["claim, fresh seeds"].x == (arms["conv1: lc"].cost, arms["conv2: lc"].cost)
        assert len(trade_off_table(info).rows) == len(info.points) + 5
    assert (info.device, info.points) == ("a clock", ())  # runs of the search are not timed
