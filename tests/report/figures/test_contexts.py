"""Effects alone and together with other sites are those of the screening."""

from dataclasses import replace

import pytest

from lrlc_nas.evidence import Context, screen
from lrlc_nas.report.figures.contexts import MOST_CONTEXTS, Contexts, context_table, contexts, draw_contexts

CONTEXT = Context("conv1", "lc", 1.0, 3.0, 2.0, 1.5, 2.5, 0.01, 0.02, 3, 4)


@pytest.fixture
def screening(new_study, new_run):
    return replace(
        screen(new_study(), [new_run(0, {}, 0.8)], {}),
        contexts=(CONTEXT, replace(CONTEXT, choice="lrlc-2", difference=None)),
    )


def test_only_choices_that_are_estimable_both_ways_are_shown(screening):
    info = contexts(screening)
    assert info.contexts == (CONTEXT,)
    assert context_table(info).rows == (("conv1", "lc", 1.0, 3.0, 2.0, 1.5, 2.5, 0.01, 0.02, 3, 4),)
    lines, alone, together = draw_contexts(info).data
    assert lines.x == (1.0, 3.0, None)
    assert (alone.x, together.x) == ((1.0,), (3.0,))


def test_what_disagrees_by_more_than_chance_has_another_colour(screening):
    calm = replace(CONTEXT, choice="lrlc-4", adjusted=0.5)
    colours = draw_contexts(Contexts((CONTEXT, calm))).data[1].marker.color
    assert len(set(colours)) == 2


def test_of_many_those_that_differ_most_are_drawn(screening):
    many = tuple(replace(CONTEXT, choice=f"lrlc-{number}", difference=float(number)) for number in range(1, 40))
    shown = Contexts(many).shown
    assert [each.difference for each in shown] == [float(n) for n in range(40 - MOST_CONTEXTS, 40)]
