"""What the page calls "From Python" gives, in a fresh namespace, the numbers that the page holds: all of them.

The calls are read off the page, and what they return is laid out here, not by the code that made the page.
"""

import csv
import io
import json
import re
import sqlite3
from decimal import Decimal
from statistics import mean

import numpy as np
import pytest
import torch
from full_page import Parts, train_full_study

from lrlc_nas.choices import Choice
from lrlc_nas.report import FIGURES, TABLES, report_page
from lrlc_nas.report.from_python import TEXTS, setup
from lrlc_nas.store import Store

FIGURE_CALLS = {figure.key: figure.call for figure in FIGURES}
TABLE_CALLS = {table.key: table.call for table in TABLES}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A study with all that a page can show, really trained, with a claim that is made to help and tested."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('full') / 'studies.db'}")
    train_full_study(store)
    yield store
    store.engine.dispose()
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def page(store):
    return Parts(report_page(store, "full", inside=True))


@pytest.fixture(scope="module")
def call(store, page):
    """A function that evaluates a call after the lines of the page, in a namespace of nothing else."""
    namespace = {}
    assert page.setup.count('"sqlite:///lrlc-nas.db"') == 1
    exec(page.setup.replace('"sqlite:///lrlc-nas.db"', repr(f"sqlite:///{store.url.database}")), namespace)
    return lambda text: eval(text, namespace)


# --- figures: what a call returns, as the numbers of the file beside the figure, row by row ---


def forest_rows(found):
    for row in found:
        c = row.comparison
        past = (row.searched, row.searched_low, row.searched_high, row.shrinkage)
        yield (c.difference, c.low, c.high, c.confidence, c.n, row.adjusted_p, c.superiority, *past, row.differences)


def map_rows(found):
    for cell in (cell for row in found for cell in row if cell is not None):
        effect = cell.effect
        confirmed = cell.verdict.comparison.difference if cell.verdict else None
        yield (effect.estimate, effect.low, effect.high, effect.runs, confirmed, cell.parameters, cell.macs)


def rank_rows(found):
    for curve in found:
        for effect in (*(e for series in curve.series for e in series.effects), *([curve.lc] if curve.lc else [])):
            yield (Choice.parse(effect.choice).rank or None, effect.estimate, effect.low, effect.high, effect.runs)


def context_rows(found):
    for e in found:
        told = (e.alone, e.in_company, e.difference, e.low, e.high, e.p_value, e.adjusted)
        yield (*told, e.runs_alone, e.runs_in_company)


def cost_rows(found):
    yield from ((point.number, point.cost, point.value, 1) for point in found.points)
    yield from ((None, arm.cost, arm.value, arm.seeds) for arm in found.arms)


def picture_rows(found):
    for each in found:
        for (row, column), value in np.ndenumerate(each.values):
            yield (each.bank or None, row, column, each.block, value)


def shift_rows(found):
    for curves, numbers in ((found.relaxed, found.numbers), (found.host, found.host_numbers)):
        for accuracies in curves.values():
            for shift, accuracy in zip(found.shifts, accuracies, strict=True):
                yield (shift, accuracy, found.images, len(numbers))


def curve_rows(found):
    for curve in found:
        for epoch, accuracy in zip(curve.epochs, curve.values, strict=True):
            yield (curve.number, epoch, accuracy)


def step_rows(found):
    return [(step.runs, step.seconds, step.number, step.best, step.by_chance) for step in found]


LAID_OUT = {
    "forest": forest_rows,
    "effects": map_rows,
    "ranks": rank_rows,
    "contexts": context_rows,
    "pairs": lambda found: [(e.estimate, e.low, e.high, e.p_value, e.adjusted, e.runs) for e in found.values()],
    "parameters": cost_rows,
    "macs": cost_rows,
    "latency": cost_rows,
    "maps": picture_rows,
    "shifts": shift_rows,
    "curves": curve_rows,
    "anytime-runs": step_rows,
    "anytime-seconds": step_rows,
}


def test_every_figure_of_a_full_page_is_drawn_and_has_a_call(page):
    assert page.figures == page.figures_with_file == len(FIGURE_CALLS)
    shown = {key: call for (kind, key), call in page.calls.items() if kind == "figure"}
    assert shown == FIGURE_CALLS
    assert page.files.keys() == FIGURE_CALLS.keys()


def test_each_site_begins_a_row_of_maps(store):
    text = report_page(store, "full", inside=True)
    drawn = re.findall(r'<div( class="begins")?><div class="figure small" id="figure-maps-', text)
    small = re.findall(r'id="figure-maps-[0-9]+-data">(.*?)</script>', text)
    titles = [json.loads(figure)["layout"]["title"]["text"] for figure in small]
    assert [bool(begins) for begins in drawn] == ["distance" in title for title in titles]
    assert True in map(bool, drawn)


@pytest.mark.parametrize("key", FIGURE_CALLS)
def test_the_call_of_a_figure_gives_the_numbers_of_its_file(page, call, key):
    columns = numeric_columns(list(csv.DictReader(io.StringIO(page.files[key]))))
    expected = [tuple(map(cell, row)) for row in LAID_OUT[key](call(page.calls["figure", key]))]
    assert expected
    # A column of which no row has a number cannot be told from one of words.
    empty = [place for place in range(len(expected[0])) if not any(row[place] for row in expected)]
    kept = [tuple(value for place, value in enumerate(row) if place not in empty) for row in expected]
    assert kept == list(zip(*columns.values(), strict=True))


def numeric_columns(rows):
    """Name of each column that holds numbers, to its cells; an empty cell is a number that is not there."""
    found = {name: [numbers_of(row[name]) for row in rows] for name in rows[0]}
    return {name: cells for name, cells in found.items() if any(cells) and None not in cells}


def numbers_of(text):
    try:
        return tuple(map(float, text.split()))
    except ValueError:
        return None


def cell(value):
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple) else (float(value),)


# --- tables: what a call returns, as the numbers that are printed, row by row ---


def claim_numbers(found):
    for row in found:
        c = row.comparison
        yield (c.difference, c.low, c.high, c.n, row.adjusted_p, c.superiority, row.searched, row.shrinkage)


def challenge_numbers(found):
    for _, row in found:
        c = row.comparison
        epochs = row.epochs_to_host or ()
        yield (c.difference, c.low, c.high, c.n, row.control[1].difference, *epochs)


def sealed_numbers(found):
    for each in found:
        c = each.against_host
        yield (100 * each.value, c.difference, c.low, c.high, each.seeds)


def effect_numbers(found):
    effects, importances = found
    for before, effect in zip((None, *effects), effects, strict=False):
        first = before is None or before.site != effect.site
        share = importances[effect.site] if first else None
        yield (effect.estimate, effect.low, effect.high, effect.runs, share)


def disagreement_numbers(found):
    contexts, pairs = found
    yield from ((e.alone, e.in_company, e.difference, e.low, e.high) for e in contexts)
    yield from ((e.estimate, e.low, e.high) for e in pairs)


def audit_numbers(found):
    return [(r.audited, r.would_end, r.wrongly, r.never_pruned, r.rank_correlation) for r in found]


def spent_numbers(found):
    total = sum(each.seconds for each in found)
    rows = [(each.runs, each.epochs, each.seconds) for each in found]
    rows.append(tuple(map(sum, zip(*rows, strict=True))))
    return [(runs, epochs, *clock(seconds), 100 * seconds / total) for runs, epochs, seconds in rows]


def clock(seconds):
    return (seconds,) if seconds < 59.95 else divmod(round(seconds), 60)


def trial_numbers(found):
    runs, epochs = found
    for run in runs:
        own = epochs.get(run.run_id, ())
        accuracy = own[-1].value if run.value is None and own else run.value
        seconds = sum(epoch.seconds for epoch in own)
        yield (run.number, run.seed, len(own), 100 * accuracy, run.parameters, run.macs, seconds)


PRINTED = {
    "claims": claim_numbers,
    "challenges": challenge_numbers,
    "tested": sealed_numbers,
    "effects": effect_numbers,
    "disagreements": disagreement_numbers,
    "audit": audit_numbers,
    "spent": spent_numbers,
    "trials": trial_numbers,
}


def test_every_table_of_numbers_has_a_call(page):
    shown = {key: text for (kind, key), text in page.calls.items() if kind == "table"}
    there = {key for key, rows in page.tables.items() if any(any(row) for row in rows)}
    assert shown == TABLE_CALLS
    assert there == TABLE_CALLS.keys()


@pytest.mark.parametrize("key", PRINTED)
def test_the_call_of_a_table_gives_the_numbers_that_it_prints(page, call, key):
    expected = list(PRINTED[key](call(TABLE_CALLS[key])))
    for row, values in zip(page.tables[key], expected, strict=True):
        words = re.findall(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?", " ".join(row).replace("−", "-").replace(",", ""))
        told = [value for value in values if value is not None]
        assert len(words) == len(told), (row, values)
        assert all(agrees(word, value) for word, value in zip(words, told, strict=True)), (row, values)


def agrees(word, value):
    """Whether a number is printed rightly: to half of its last digit."""
    last = 10.0 ** int(Decimal(word).as_tuple().exponent)
    return abs(float(word) - value) <= 0.5 * last * (1 + 1e-9)


# --- sentences ---


@pytest.mark.parametrize("part", TEXTS)
def test_the_call_of_a_text_gives_what_the_page_says(page, call, part):
    text = " ".join(page.text.split())
    assert TEXTS[part] in text
    said = list(strings(call(TEXTS[part])))
    assert said
    for each in said:
        assert " ".join(each.split()) in text


def strings(found):
    if isinstance(found, str):
        yield found
    elif isinstance(found, int):
        yield {1: "the test split was opened once"}[found]
    elif isinstance(found, tuple | list):
        for each in found:
            yield from strings(each)
    else:
        for each in vars(found).values():
            yield from strings(each)


# --- what is beneath them ---


def test_the_numbers_go_back_to_what_was_recorded(store, call):
    """Means and differences of the scores in the database, by plain SQL and nothing of ours."""
    database = sqlite3.connect(store.url.database)
    rows = database.execute(
        "select plan, repeat, value from nas_run join nas_study using (study_id) "
        "where name = 'full/confirmation' and state = 'complete'"
    ).fetchall()
    database.close()
    scores = {(plan, pair): 100 * value for plan, pair, value in rows}
    pairs = sorted({pair for _, pair in scores})
    gains = [scores['{"conv1":"lrlc-2"}', pair] - scores["{}", pair] for pair in pairs]
    first = call(FIGURE_CALLS["forest"])[0]
    assert first.differences == pytest.approx(gains)
    assert first.comparison.difference == pytest.approx(mean(gains))


@pytest.mark.parametrize("name", ["plain", "two 'quotes' and \"more\"", "{0}{name}\n\\", "'); import os #"])
def test_a_name_stays_a_name(name, new_study):
    class Nothing:
        @staticmethod
        def read_study(store, name, inside):
            return name

    lines = setup(new_study(name=name)).replace("from lrlc_nas import report\n", "")
    namespace = {"report": Nothing}
    exec(lines, namespace)
    assert namespace["reading"] == name
