"""Pictures show the maps, coarser where there are too many positions."""

import numpy as np
import pytest

from lrlc_nas.choices import Plan
from lrlc_nas.inspection import ShiftTolerance, SpaceMap
from lrlc_nas.report.figures.shifts import draw_shifts, shift_table
from lrlc_nas.report.figures.space_maps import MOST_BANKS, MOST_SITES, draw_picture, picture_table, pictures


def space_map(site="conv1", banks=2, size=(4, 5), unshared=0.25):
    draw = np.random.default_rng(0)
    return SpaceMap("small", 3, site, "lrlc-2", draw.random((banks, *size)), draw.random(size), unshared)


def test_the_distance_comes_first_and_then_each_bank():
    one = space_map()
    shown = pictures([one])
    assert [(each.kind, each.bank) for each in shown] == [("distance", 0), ("weights", 1), ("weights", 2)]
    for each, values in zip(shown, (one.distance, *one.weights), strict=True):
        assert np.array_equal(each.values, values)
    assert len(picture_table(shown).rows) == 3 * 4 * 5


def test_sites_that_share_least_are_drawn_in_their_order():
    maps = [space_map(f"conv{number}", unshared=number % 5 / 10) for number in range(8)]
    assert list(dict.fromkeys(each.site for each in pictures(maps))) == ["conv2", "conv3", "conv4", "conv7"]
    assert MOST_SITES == 4


def test_no_more_banks_than_can_be_seen():
    assert len(pictures([space_map(banks=12)])) == 1 + MOST_BANKS


@pytest.mark.parametrize("size", [(30, 30), (57, 40), (100, 3)])
def test_many_positions_become_means_over_blocks(size):
    one = space_map(size=size, banks=1)
    shown = pictures([one])[0]
    assert max(shown.values.shape) <= 28
    for (row, column), value in np.ndenumerate(shown.values):
        block = one.distance[
            row * shown.block : (row + 1) * shown.block, column * shown.block : (column + 1) * shown.block
        ]
        assert value == pytest.approx(block.mean())


def test_a_layer_without_banks_has_its_distance_alone():
    (only,) = pictures([space_map(banks=0)])
    assert only.kind == "distance"
    assert "25 % unshared" in draw_picture(only).layout.title.text


def test_shifts_are_drawn_for_both_networks_and_directions():
    info = ShiftTolerance(
        study="small",
        plan=Plan.of({"conv1": "lc"}),
        why="",
        role="search",
        images=10,
        shifts=(-1, 0, 1),
        relaxed={"right": (0.1, 0.9, 0.2), "down": (0.3, 0.9, 0.4)},
        host={"right": (0.5, 0.8, 0.6), "down": (0.5, 0.8, 0.7)},
        numbers=(3,),
        host_numbers=(0, 1),
    )
    drawn = {trace.name: trace.y for trace in draw_shifts(info).data}
    assert drawn["relaxed, left / right"] == (10.0, 90.0, 20.0)
    assert drawn["host, up / down"] == (50.0, 80.0, 70.0)
    assert ("host", "down", 1, 0.7, 10, 2) in shift_table(info).rows
    assert len(shift_table(info).rows) == 12
