"""A figure is one record: what stands in the list stands on the page, with all that belongs to it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import plotly.graph_objects as go
import pytest
from test_page import Page

import lrlc_nas.report
from lrlc_nas.report import FIGURES, TABLES, Figure, read_study, report_page
from lrlc_nas.report.data_table import table
from lrlc_nas.report.figures import Section, Width


@dataclass(frozen=True)
class Ends:
    """How many runs ended in each state."""

    states: dict[str, int]


def count_ends(reading):
    states = [run.state for run in reading.runs]
    return Ends({state: states.count(state) for state in sorted(set(states))})


ENDS = Figure(
    key="ends",
    section=Section.SEARCH,
    title="How runs <ended>",
    caption="One bar for each state.",
    compute=count_ends,
    empty=lambda info: "" if "complete" in info.states else "No run is complete yet.",
    draw=lambda info: go.Figure(go.Bar(x=list(info.states), y=list(info.states.values()))),
    table=lambda info: table(("state", "runs"), info.states.items()),
    call="[run.state for run in reading.runs]",
    remark=lambda info: f"{sum(info.states.values())} runs.",
)


def page_with(store, figure):
    return report_page(store, "small", figures=(*FIGURES, figure))


def test_a_figure_in_the_list_is_on_the_page_with_all_that_belongs_to_it(new_store):
    text = page_with(new_store(), ENDS)
    page = Page(text)
    assert page.data["figure-ends"]["data"][0]["x"] == ["complete", "failed", "pruned"]
    assert page.files["ends.csv"].splitlines() == ["state,runs", "complete,6", "failed,1", "pruned,1"]
    for part in (ENDS.title, f"{ENDS.caption} 8 runs.", ENDS.call):
        assert part in page.text
    assert page.text.index("Learning curves") < page.text.index(ENDS.title) < page.text.index("Every run")


def test_a_figure_without_anything_to_draw_says_why(new_store):
    page = Page(page_with(new_store(finished=0), ENDS))
    assert "No run is complete yet." in page.text
    assert ENDS.caption not in page.text
    assert "figure-ends" not in page.data
    assert "ends.csv" not in page.files


def test_several_small_drawings_begin_rows_where_the_figure_says(new_store):
    several = replace(ENDS, draw=lambda info: [go.Figure()] * 3, row_starts=lambda info: [0, 2])
    text = page_with(new_store(), several)
    begins = re.findall(r'<div( class="begins")?><div class="figure small" id="figure-ends-', text)
    assert list(map(bool, begins)) == [True, False, True]


def test_narrow_neighbours_stand_side_by_side(new_store):
    text = page_with(new_store(), replace(ENDS, width=Width.HALF))
    row = text[text.index('id="figure-anytime-runs"') : text.index('id="figure-ends"')]
    assert row.count("<figure>") == 2
    assert '<div class="half">' not in row


@pytest.mark.parametrize("key", [figure.key for figure in FIGURES if figure.key != "effects"])
def test_the_page_names_no_figure(key):
    """Its file and the list are all that a new figure touches; the table of effects has the key of its map."""
    assets = Path(lrlc_nas.report.__file__).parent / "assets"
    for name in ("page.html", "page.js"):
        assert not re.search(rf"[\"'.]{key}\b", (assets / name).read_text(encoding="utf-8")), (name, key)


def test_keys_are_unique_and_sections_follow_each_other():
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    assert len({each.key for each in TABLES}) == len(TABLES)
    places = [list(Section).index(figure.section) for figure in FIGURES]
    assert places == sorted(places)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.key)
def test_a_figure_is_drawn_just_where_it_gives_no_reason(confirmed_store, new_store, figure):
    for store in (confirmed_store, new_store(finished=0)):
        info = figure.compute(read_study(store, "small"))
        if not figure.empty(info):
            assert figure.draw(info)
            assert figure.table(info).rows
