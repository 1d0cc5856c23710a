"""Every number on the page comes from the database by a documented call, and stands in the data beside it."""

import csv
import io
import sqlite3
from collections.abc import Iterable

import pytest
from test_page import Page

from lrlc_nas.report import panels, read_study, report_page
from lrlc_nas.report.anytime import best_of
from lrlc_nas.report.confirmation_tables import claim_rows, look_rows
from lrlc_nas.report.forest import forest
from lrlc_nas.report.spending import spending, spent_rows
from lrlc_nas.report.tables import audit_rows, disagreement_rows, effect_rows, trial_rows


def numbers(value: object) -> Iterable[float]:
    if isinstance(value, bool | str) or value is None:
        return
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, list):
        for each in value:
            yield from numbers(each)


def drawn(figure: dict) -> Iterable[float]:
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


@pytest.fixture
def store(confirmed_store):
    return confirmed_store


def test_each_figure_is_drawn_from_the_data_beside_it(store):
    """In points where the data hold fractions, in the precision of pictures elsewhere."""
    shown = 0
    for panel in panels(read_study(store, "small")).values():
        if panel.data is None:
            continue
        cells = list(numbers([list(row) for row in panel.data.rows]))
        seeds = [
            float(word) for row in panel.data.rows for word in str(row[-1]).split() if panel.key == "forest"
        ]
        known = {0.0, *cells, *(100 * cell for cell in cells), *seeds}
        figures = panel.small or (panel.figure,)
        for value in (value for figure in figures for value in drawn(figure)):
            if panel.key == "anytime-seconds":  # chance: whole runs at their mean time
                known |= {run * 5.0 for run in range(20)}
            assert any(value == pytest.approx(each, abs=1e-9) for each in known), (panel.key, value)
            shown += 1
    assert shown > 100


def test_the_page_holds_what_the_calls_give(store):
    page = Page(report_page(store, "small"))
    made = {panel.key: panel for panel in panels(read_study(store, "small")).values() if panel.data}
    assert page.files == {f"{key}.csv": panel.data.csv for key, panel in made.items()}
    figures = {f"figure-{key}": panel.figure for key, panel in made.items() if panel.figure}
    figures |= {
        f"figure-{key}-{number}": figure
        for key, panel in made.items()
        for number, figure in enumerate(panel.small, start=1)
    }
    assert page.data == figures


def test_the_tables_hold_what_the_calls_give(store):
    reading = read_study(store, "small")
    text = " ".join(Page(report_page(store, "small")).text.split())
    rows = [
        *effect_rows(reading.screening, reading.importances),
        *disagreement_rows(reading.screening),
        *audit_rows(reading.audit),
        *claim_rows(forest(reading)),
        *look_rows(reading.confirmation),
        *spent_rows(spending(reading)),
        *trial_rows(reading.runs, reading.epochs),
    ]
    for row in rows:
        for cell in vars(row).values():
            assert str(cell) in text or isinstance(cell, bool), (row, cell)


def test_what_was_recorded_is_what_plain_sql_finds(store):
    """The few numbers that nothing is computed from, asked for without any of our code."""
    database = sqlite3.connect(store.url.database)
    try:
        runs = database.execute(
            "select slot, value, parameters from nas_run join nas_study using (study_id) "
            "where name = 'small' and state = 'complete'"
        ).fetchall()
        seconds = database.execute("select sum(seconds) from nas_epoch").fetchone()[0]
    finally:
        database.close()
    reading = read_study(store, "small")
    made = panels(reading)
    files = {
        key: list(csv.DictReader(io.StringIO(made[key].data.csv))) for key in ("parameters", "anytime-runs")
    }
    searched = [row for row in files["parameters"] if row["images"] == "search"]
    assert {(int(row["run"]), float(row["accuracy"]), int(row["parameters"])) for row in searched} == {
        (slot, value, int(parameters)) for slot, value, parameters in runs
    }
    assert float(files["anytime-runs"][-1]["best_accuracy"]) == max(value for _, value, _ in runs)
    assert float(files["anytime-runs"][-3]["by_chance"]) == pytest.approx(
        best_of([v for _, v, _ in runs])[-1]
    )
    assert sum(each.seconds for each in spending(reading)) == seconds
