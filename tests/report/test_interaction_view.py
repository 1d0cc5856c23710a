"""Effects alone and in company, and pairs, are those of the screening."""

from dataclasses import replace

import pytest

from lrlc_nas.evidence import Context, Interaction, screen
from lrlc_nas.report.interaction_view import (
    MOST_CONTEXTS,
    Company,
    company,
    company_table,
    draw_company,
    draw_pairs,
    pair_matrix,
    pair_table,
)


CONTEXT = Context("conv1", "lc", 1.0, 3.0, 2.0, 1.5, 2.5, 0.01, 0.02, 3, 4)
PAIR = Interaction("conv1", "conv2", -2.0, -3.0, -1.0, 0.01, 0.02, 5)


@pytest.fixture
def screening(new_study, new_run):
    return replace(
        screen(new_study(), [new_run(0, {}, 0.8)], {}),
        contexts=(CONTEXT, replace(CONTEXT, choice="lrlc-2", difference=None)),
        interactions=(PAIR,),
    )


def test_only_choices_that_can_be_told_both_ways_are_shown(screening):
    info = company(screening)
    assert info.contexts == (CONTEXT,)
    assert company_table(info).rows == (("conv1", "lc", 1.0, 3.0, 2.0, 1.5, 2.5, 0.01, 0.02, 3, 4),)
    lines, alone, together = draw_company(info).data
    assert lines.x == (1.0, 3.0, None)
    assert (alone.x, together.x) == ((1.0,), (3.0,))


def test_what_disagrees_by_more_than_chance_has_another_colour(screening):
    calm = replace(CONTEXT, choice="lrlc-4", adjusted=0.5)
    colours = draw_company(Company((CONTEXT, calm))).data[1].marker.color
    assert len(set(colours)) == 2


def test_of_many_those_that_differ_most_are_drawn(screening):
    many = tuple(
        replace(CONTEXT, choice=f"lrlc-{number}", difference=float(number)) for number in range(1, 40)
    )
    shown = Company(many).shown
    assert [each.difference for each in shown] == [float(n) for n in range(40 - MOST_CONTEXTS, 40)]


def test_a_pair_stands_where_its_sites_cross(screening):
    info = pair_matrix(screening)
    (heat,) = draw_pairs(info).data
    assert [list(row) for row in heat.z] == [[-2.0]]
    assert "*" in heat.text[0][0]
    assert (heat.zmin, heat.zmax) == (-2.0, 2.0)
    assert pair_table(info).rows == (("conv1", "conv2", -2.0, -3.0, -1.0, 0.01, 0.02, 5),)
