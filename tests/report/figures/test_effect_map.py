"""The map has a cell for each site and choice, and zero is in the middle of its colours."""

import pytest

from lrlc_nas.evidence import screen
from lrlc_nas.report import read_study
from lrlc_nas.report.figures.effect_map import draw_effect_map, effect_map, effect_table

SPACE = {"conv2": ("conv", "lrlc-2", "lc"), "conv1": ("conv", "lc", "coord")}
PLANS = [{}, {}, {"conv2": "lrlc-2"}, {"conv1": "lc"}, {"conv1": "lc", "conv2": "lrlc-2"}]
VALUES = [0.80, 0.81, 0.70, 0.95, 0.85]


def make(new_study, new_run):
    runs = [
        new_run(number, *pair, parameters=100 + number) for number, pair in enumerate(zip(PLANS, VALUES, strict=True))
    ]
    return effect_map(screen(new_study(space=SPACE), runs, {}), runs)


def test_sites_keep_their_order_and_choices_go_from_sharing_to_none(new_study, new_run):
    info = make(new_study, new_run)
    assert (info.sites, info.choices) == (("conv2", "conv1"), ("coord", "lrlc-2", "lc"))
    assert [[cell and (cell.effect.site, cell.effect.choice) for cell in row] for row in info.cells] == [
        [None, ("conv2", "lrlc-2"), ("conv2", "lc")],
        [("conv1", "coord"), None, ("conv1", "lc")],
    ]


def test_costs_are_those_of_the_run_that_differs_here_alone(new_study, new_run):
    cells = make(new_study, new_run).cells
    assert [[cell and cell.parameters for cell in row] for row in cells] == [[None, 102, None], [None, None, 103]]
    assert cells[0][1].macs == 2000


def test_a_verdict_of_the_confirmation_takes_the_place_of_the_star(confirmed_store):
    reading = read_study(confirmed_store, "small")
    screened = effect_map(reading.screening, reading.runs)
    info = effect_map(reading.screening, reading.runs, reading.confirmation.conclusion)
    assert [[cell.mark for cell in row] for row in info.cells] == [["", "▲"], ["", "▼"]]
    assert {cell.mark for row in screened.cells for cell in row} <= {"", "*"}
    (heat,) = draw_effect_map(info).data
    assert "confirmation: helps, +5.10 points [" in heat.hovertext[0][1]
    outcomes = {(row[0], row[1]): row[6:8] for row in effect_table(info).rows}
    assert outcomes["conv2", "lc"] == ("hurts", pytest.approx(-9.975))
    assert outcomes["conv2", "lrlc-2"] == ("", None)


def test_the_scale_is_symmetric_and_holds_every_estimate(new_study, new_run):
    info = make(new_study, new_run)
    (heat,) = draw_effect_map(info).data
    assert (heat.zmin, heat.zmax) == (-info.limit, info.limit)
    assert info.limit == max(abs(z) for row in heat.z for z in row if z is not None)


def test_drawn_cells_show_estimate_interval_and_runs(new_study, new_run):
    (heat,) = draw_effect_map(make(new_study, new_run)).data
    assert heat.z[0][0] is None
    assert heat.hovertext[0][0] == "not in the space"
    assert "no complete run has this choice here" in heat.hovertext[0][2]
    for part in (
        "conv1 = lc",
        "95 % interval [",
        "complete runs with it: 2",
        "parameters with it alone: 103",
        "multiply-accumulates with it alone: 2,000",
    ):
        assert part in heat.hovertext[1][2]


def test_without_estimates_it_is_empty(new_study, new_run):
    runs = [new_run(0, {}, 0.8)]
    assert effect_map(screen(new_study(), runs, {}), runs).empty
    assert not make(new_study, new_run).empty


def test_names_are_shown_as_text(new_study, new_run):
    study = new_study(space={"<b>$x$</b>": ("conv", "lc")})
    runs = [new_run(0, {}, 0.8), new_run(1, {"<b>$x$</b>": "lc"}, 0.9)]
    figure = draw_effect_map(effect_map(screen(study, runs, {}), runs))
    assert figure.layout.yaxis.ticktext == ("&lt;b&gt;&#36;x&#36;&lt;/b&gt;",)
    assert "<b>$" not in figure.data[0].hovertext[0][0]
