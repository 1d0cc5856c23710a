"""Every number on the page comes from the database by a documented call, and stands in the data beside it."""

import csv
import io
import sqlite3
from collections.abc import Iterable

import pytest
from test_page import Page

from lrlc_nas.report import FIGURES, TABLES, read_study, report_page, spending
from lrlc_nas.report.figures.anytime import best_of
from lrlc_nas.report.figures.drawn import DrawnFigure, drawn
from lrlc_nas.report.reading import Reading
from lrlc_nas.report.tables.printed import shown


def numbers(value: object) -> Iterable[float]:
    if isinstance(value, bool | str) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)


def coordinates(figure: dict) -> Iterable[float]:
    """All coordinates of a figure that are data, and not places along an axis of names."""
    named = {
        axis
        for axis in ("x", "y")
        if figure["layout"].get(f"{axis}axis", {}).get("tickvals")
        or figure["layout"].get(f"{axis}axis", {}).get("type") == "category"
    }
    for trace in figure["data"]:
        for axis in {"x", "y"} - named:
            yield from numbers(trace.get(axis) if trace["type"] != "heatmap" else None)
        yield from numbers(trace.get("z"))


def with_numbers(reading: Reading) -> dict[str, DrawnFigure]:
    made = [drawn(figure, reading) for figure in FIGURES]
    return {each.key: each for each in made if each.table}


@pytest.fixture
def store(confirmed_store):
    return confirmed_store


def test_each_figure_is_drawn_from_the_data_beside_it(store):
    """In points where the data hold fractions, in the precision of pictures elsewhere."""
    shown = 0
    for each in with_numbers(read_study(store, "small")).values():
        cells = list(numbers([list(row) for row in each.table.rows]))
        seeds = [float(word) for row in each.table.rows for word in str(row[-1]).split() if each.key == "forest"]
        known = {0.0, *cells, *(100 * cell for cell in cells), *seeds}
        figures = each.small or (each.figure,)
        for value in (value for figure in figures for value in coordinates(figure)):
            if each.key == "anytime-seconds":  # chance: whole runs at their mean time
                known |= {run * 5.0 for run in range(20)}
            assert any(value == pytest.approx(cell, abs=1e-9) for cell in known), (each.key, value)
            shown += 1
    assert shown > 100


def test_the_page_holds_what_the_calls_give(store):
    page = Page(report_page(store, "small"))
    made = with_numbers(read_study(store, "small"))
    assert page.files == {f"{key}.csv": each.table.csv for key, each in made.items()}
    figures = {f"figure-{key}": each.figure for key, each in made.items() if each.figure}
    figures |= {
        f"figure-{key}-{number}": figure
        for key, each in made.items()
        for number, figure in enumerate(each.small, start=1)
    }
    assert page.data == figures


def test_the_tables_hold_what_the_calls_give(store):
    reading = read_study(store, "small")
    text = " ".join(Page(report_page(store, "small")).text.split())
    rows = [cells for table in TABLES for _, cells in shown(table, reading).rows]
    assert rows
    for row in rows:
        for cell in row:
            assert cell in text, (row, cell)


def test_what_was_recorded_is_what_plain_sql_finds(store):
    """The few numbers that nothing is computed from, asked for without any of our code."""
    database = sqlite3.connect(store.url.database)
    try:
        runs = database.execute(
            "select number, value, parameters from nas_run join nas_study using (study_id) "
            "where name = 'small' and state = 'complete'"
        ).fetchall()
        seconds = database.execute("select sum(seconds) from nas_epoch").fetchone()[0]
    finally:
        database.close()
    reading = read_study(store, "small")
    made = with_numbers(reading)
    files = {key: list(csv.DictReader(io.StringIO(made[key].table.csv))) for key in ("parameters", "anytime-runs")}
    searched = [row for row in files["parameters"] if row["images"] == "search"]
    assert {(int(row["run"]), float(row["accuracy"]), int(row["parameters"])) for row in searched} == {
        (number, value, int(parameters)) for number, value, parameters in runs
    }
    assert float(files["anytime-runs"][-1]["best_accuracy"]) == max(value for _, value, _ in runs)
    assert float(files["anytime-runs"][-3]["by_chance"]) == pytest.approx(best_of([v for _, v, _ in runs])[-1])
    assert sum(each.seconds for each in spending(reading)) == seconds
