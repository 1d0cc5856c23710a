"""Whatever is shown of a study speaks its metric: name, unit, scale, direction; accuracy is one of them."""

import json
import re
from dataclasses import replace

import pytest
from test_page import Page

from lrlc_nas.cli.terminal import print_study
from lrlc_nas.cli.terminal.frames import console
from lrlc_nas.cli.terminal.studies import print_studies
from lrlc_nas.cli.terminal.verdicts import print_test, write_cards
from lrlc_nas.config import ACCURACY, Metric
from lrlc_nas.report import read_study, report_page
from lrlc_nas.report.figures.anytime import anytime
from lrlc_nas.report.figures.forest import forest
from lrlc_nas.report.figures.trade_off import trade_off
from lrlc_nas.report.planning import study_power
from lrlc_nas.report.trial import trial_view
from lrlc_nas.store import test_openings as openings_of

IOU = Metric("IoU")
RMSE = Metric("RMSE", "minimize", "degrees", digits=2)
# Metric, what makes a value from a fraction, and the smallest effect that matters, in its unit.
METRICS = {
    "IoU": (IOU, float, 0.003),
    "RMSE": (RMSE, lambda fraction: 100 - 100 * fraction, 0.3),
    "accuracy": (ACCURACY, float, 0.3),
    "mirrored": (Metric("error", "minimize", "points", 100.0), lambda fraction: -fraction, 0.3),
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory, confirm_in):
    """The same study and confirmation in each metric."""
    folder = tmp_path_factory.mktemp("metrics")
    made = {name: confirm_in(folder / f"{name}.db", *settings) for name, settings in METRICS.items()}
    yield made
    for store in made.values():
        store.engine.dispose()


@pytest.fixture
def told(stores, capsys, tmp_path):
    """A function that gives all that is shown of a study: where to its text."""

    def tell(name):
        store = stores[name]
        page = Page(report_page(store, "small"))
        print_study(store, "small")
        print_study(store, "small/confirmation")
        print_studies(store)
        terminal = capsys.readouterr().out
        look = openings_of(store, store.study("small/confirmation"))[-1]
        print_test(console(), look, store.study("small").metric)
        view = trial_view(store, "small", 3)
        return {
            "page": page.text,
            "figures": json.dumps(page.data, ensure_ascii=False),
            "files": "\n".join(page.files.values()),
            "terminal": terminal,
            "test": capsys.readouterr().out,
            "cards": "\n".join(path.read_text() for path in write_cards(store, "small", tmp_path / name)),
            "power": f"{study_power(store, 'small')}\n{study_power(store, 'small', table=True)}",
            "run": json.dumps([view.facts, [vars(figure) for figure in view.figures]], ensure_ascii=False),
        }

    return tell


@pytest.mark.parametrize("name", ["IoU", "RMSE"])
def test_nothing_speaks_of_another_metric(told, name):
    for where, text in told(name).items():
        assert "accurac" not in text.lower(), where
        assert name in text or where == "cards", where
        # Shares and levels of intervals are percentages whatever the metric.
        for number in re.finditer(r"[0-9.]+ %", text.replace("unshared", "")):
            near = text[number.start() - 25 : number.end() + 20]
            assert re.search(r"interval|probability|for 80 %|\[95 %|level|^\s*\d", near) or where == "page", (
                where,
                near,
            )
        assert not re.search(r"[0-9] points|points\b.*\[95 %|in points", text), where


def test_values_are_shown_raw_and_effects_as_gains_in_the_unit(told):
    rmse, iou, accuracy = told("RMSE"), told("IoU"), told("accuracy")
    assert "conv1: lc helps at this recipe by +5.10 degrees [+" in rmse["page"]
    assert "conv1: lc helps at this recipe by +0.0510 [+" in iou["page"]
    assert "conv1: lc helps at this recipe by +5.10 points [+" in accuracy["page"]
    assert "reached RMSE 25.00 degrees on the search split" in rmse["page"]
    assert "reached IoU 0.7500 on" in iou["page"]
    assert "reached 75.00 % on" in accuracy["page"]
    assert "RMSE 25.00 degrees" in rmse["terminal"]
    assert "IoU 0.7500" in iou["terminal"]
    assert "gains over the host, degrees [95 %]" in rmse["test"]
    assert "minus the host [95 %]" in iou["test"]
    assert "24.00 degrees" in rmse["test"]  # the mean of the claim's 25 and 23
    assert "+5.50" in rmse["test"]
    assert "above 0 is better" in rmse["page"]
    assert "+5.10 degrees, 96" in rmse["cards"].replace("+5.10 degrees (96", "+5.10 degrees, 96")
    assert "P(claim < host)" in rmse["cards"]
    assert "smallest effect that matters, set beforehand: 0.3 degrees" in rmse["cards"]


def test_cards_hold_values_as_they_were_measured(stores, tmp_path):
    for name in ("RMSE", "accuracy"):
        metric, score, _ = METRICS[name]
        path = next(each for each in write_cards(stores[name], "small", tmp_path / name) if each.suffix == ".json")
        card = json.loads(path.read_text())
        assert card["metric"] == metric.to_dict()
        assert card["scores"] == pytest.approx([metric.scale * score(x) for x in (0.751, 0.75, 0.753, 0.752)])
        assert card["host_scores"] == pytest.approx([metric.scale * score(x) for x in (0.7, 0.702, 0.699, 0.701)])
        assert card["effect"]["difference"] == pytest.approx(5.1)
        assert card["test"]["difference"]["difference"] == pytest.approx(5.5)


@pytest.mark.parametrize("name", ["mirrored", "RMSE"])
def test_the_mirrored_study_has_the_same_effects_verdicts_and_best_run(stores, name):
    mirrored, plain = (read_study(stores[each], "small") for each in (name, "accuracy"))
    for one, other in zip(mirrored.screening.effects, plain.screening.effects, strict=True):
        ends = [(each.estimate, each.low, each.high) for each in (one, other)]
        assert ends[0] == pytest.approx(ends[1])
    results = [reading.conclusion.results for reading in (mirrored, plain)]
    for one, other in zip(*results, strict=True):
        assert one.verdict.outcome == other.verdict.outcome
        assert one.verdict.comparison.difference == pytest.approx(other.verdict.comparison.difference)
        assert one.verdict.comparison.superiority == other.verdict.comparison.superiority
    assert mirrored.screening.best.number == plain.screening.best.number
    courses = [anytime(each.runs, each.epochs, each.metric).steps for each in (mirrored, plain)]
    score = METRICS[name][1]
    for one, other in zip(*courses, strict=True):
        assert one.best == pytest.approx(score(other.best))
        assert (one.by_chance is None) == (other.by_chance is None)
        assert one.by_chance is None or one.by_chance == pytest.approx(score(other.by_chance))
    fronts = [trade_off(each.runs, "parameters", metric=each.metric).front for each in (mirrored, plain)]
    assert [point.number for point in fronts[0]] == [point.number for point in fronts[1]]


def test_a_plan_of_several_sites_has_the_same_estimate_of_the_search(new_store, confirm, new_run):
    """It is told by the runs of the plan less those of the host, which a mirrored study has the other way round."""
    plan = {"conv1": "lrlc-2", "conv2": "lc"}
    for name in ("accuracy", "mirrored"):
        metric, score, delta = METRICS[name]
        store = new_store(metric=metric, score=score)
        arms = {"{}": [70.0, 70.3], json.dumps(plan): [75.0, 75.2]}
        confirm(store, {"best plan": (plan, {})}, arms, (), delta, score)
        reading = read_study(store, "small")
        reading = replace(reading, runs=(*reading.runs, new_run(9, plan, score(0.8))))
        (row,) = forest(reading).rows
        assert row.searched == pytest.approx(80 - 70.5)
        assert row.shrinkage == pytest.approx(9.5 - 4.95)


def test_a_name_that_is_markup_stays_text(tmp_path, confirm_in):
    store = confirm_in(tmp_path / "hostile.db", Metric("<b>$x$</b>|", "minimize", "<i>u</i>"), lambda each: -each, 0.3)
    page = Page(report_page(store, "small"))
    assert "<b>$x$</b>|" in page.text
    assert not [element for element, _ in page.elements if element in ("b", "i")]
    assert "<b>$" not in json.dumps(page.data)
    assert "<i>" not in json.dumps(page.data)
    (card, *_) = write_cards(store, "small", tmp_path / "cards")
    assert "<i>" not in card.read_text()
    store.engine.dispose()
