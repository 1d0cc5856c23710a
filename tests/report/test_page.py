"""The page stands by itself, and names stay text."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lrlc_nas.errors import InputError
from lrlc_nas.report import report_page, write_report
from lrlc_nas.store import insert_study

FIGURES = [
    "figure-effects",
    "figure-ranks-1",
    "figure-ranks-2",
    "figure-parameters",
    "figure-macs",
    "figure-curves",
    "figure-anytime-runs",
    "figure-anytime-seconds",
]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}</style>"


class Page(HTMLParser):
    """What a browser would make of a page: its elements and the contents of its scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.text = [], [], ""
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append((dict(attributes), ""))

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            attributes, content = self.scripts[-1]
            self.scripts[-1] = (attributes, content + data)
        else:
            self.text += data

    @property
    def data(self):
        return {
            attributes["id"].removesuffix("-data"): json.loads(content)
            for attributes, content in self.scripts
            if attributes.get("type") == "application/json"
        }

    @property
    def drawn(self):
        return [attributes["id"] for _, attributes in self.elements if "figure" in attributes.get("class", "").split()]

    @property
    def files(self):
        """Name of each CSV file to its text."""
        return {
            attributes["download"]: base64.b64decode(attributes["href"].partition(",")[2]).decode()
            for _, attributes in self.elements
            if "download" in attributes
        }

    @property
    def code(self):
        return [content for attributes, content in self.scripts if "type" not in attributes]


def test_verdict_comes_first_and_every_part_is_there(new_store):
    page = Page(report_page(new_store(), "small"))
    parts = [
        "In this screening,",
        "What was asked",
        "Claims on fresh seeds",
        "The test split",
        "Where relaxing helps",
        "How much to relax",
        "Alone and together with other sites",
        "Before you believe it",
        "Accuracy and cost",
        "Where in space",
        "Learning curves",
        "Best so far, by runs",
        "What pruning costs",
        "What it cost",
        "Every run",
        "How it was done",
        "Left out of the space",
        "Convolutions that are not sites",
        "lrlc-nas start study.toml",
    ]
    places = [page.text.index(part) for part in parts]
    assert places == sorted(places)
    assert sorted(page.data) == sorted(FIGURES)


def test_the_page_asks_the_network_for_nothing(new_store):
    page = Page(report_page(new_store(), "small"))
    addresses = [(tag, attributes["href"]) for tag, attributes in page.elements if attributes.keys() & {"src", "href"}]
    assert {(tag, address.partition(",")[0]) for tag, address in addresses} == {
        ("a", "data:text/csv;charset=utf-8;base64"),
        ("a", "#python"),
    }
    (policy,) = (attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'; ")
    assert 'showSendToCloud: false, plotlyServerURL: ""' in page.code[1]


def test_the_policy_lets_just_the_scripts_of_the_page_run(new_store):
    page = Page(report_page(new_store(), "small"))
    (policy,) = (attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in page.code]
    assert len(hashes) == 2
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    assert f"script-src {allowed};" in policy


def test_every_figure_has_an_element_and_a_reading_aid(new_store):
    page = Page(report_page(new_store(), "small"))
    assert sorted(page.drawn) == sorted(FIGURES)
    captions = [tag for tag, _ in page.elements if tag == "figcaption"]
    assert len(captions) == len(page.files) == len(FIGURES) - 1  # the two curves of ranks share one


def test_hostile_names_stay_text(new_store):
    harmless = Page(report_page(new_store(), "small"))
    hostile = Page(report_page(new_store(HOSTILE, sites=(HOSTILE, "<b>conv2</b>")), HOSTILE))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert hostile.files.keys() == harmless.files.keys()
    assert f"Study {HOSTILE}," in hostile.text
    assert f"{HOSTILE}=lc" in hostile.text
    assert "<img" not in json.dumps(hostile.data)
    assert hostile.code == harmless.code


@pytest.mark.parametrize("finished", range(9))
def test_a_study_at_any_stage_has_a_page(new_store, finished):
    page = Page(report_page(new_store(finished=finished), "small"))
    assert sorted(page.data) == sorted(page.drawn)
    assert "NaN" not in json.dumps(page.data)
    assert "nan" not in page.text.split()


def test_a_study_without_finished_run_says_so_in_place_of_each_figure(new_store):
    page = Page(report_page(new_store(finished=0), "small"))
    assert page.data == {}
    for sentence in (
        "No run has finished yet, so that this screening shows nothing so far.",
        "No effect is estimable yet from the finished runs, so there is no map.",
        "No epoch has been recorded yet, so there are no curves.",
        "There is no finished run yet whose accuracy could be set against parameters.",
        "Nothing of this study is confirmed or refuted yet",
        "No effect of a rank is estimable yet from the finished runs",
        "Of no choice are both effects estimable yet",
        "No pair of sites is estimable yet",
        "Steps are timed for the arms of a confirmation",
        "No run is complete yet, so there is no best one so far.",
        "No epoch has been recorded yet, so nothing was spent.",
    ):
        assert sentence in page.text


def test_the_file_is_written_whole(new_store, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(new_store(), "small", path)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".part"] == []


def test_a_path_that_cannot_be_written_is_named(new_store, tmp_path):
    store = new_store()
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "missing" / "report.html", tmp_path / "folder"):
        with pytest.raises(InputError, match=f"cannot write the report {path}: "):
            write_report(store, "small", path)
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".part"] == []


def test_an_unknown_study_is_named_with_those_that_are_there(new_store):
    with pytest.raises(InputError, match=r"no study 'other' in .*; it holds small"):
        report_page(new_store(), "other")


def test_a_confirmation_comes_first_and_shows_its_looks(confirmed_store):
    page = Page(report_page(confirmed_store, "small"))
    assert {"figure-forest", "figure-latency"} <= page.data.keys()
    assert "Confirmed on 4 fresh seeds: conv1: lc helps at this recipe by +5.10 points [" in page.text
    assert "and beats wide-2, but not coord (the test split was opened twice)." in page.text
    assert "Not confirmed: conv2: lc hurts at this recipe, −9.9" in page.text
    for part in ("never finished", "76.00 %", "+5.50", "a note", "in this screening".capitalize()):
        assert part in page.text


@pytest.mark.parametrize("scores", [[None, None], [70.0, None]])
def test_a_confirmation_under_way_concludes_nothing(new_store, confirm, scores):
    store = new_store()
    confirm(store, {"a claim": ({"conv1": "lc"}, {})}, {"{}": scores, '{"conv1": "lc"}': scores})
    page = Page(report_page(store, "small"))
    ended = 2 * (2 - scores.count(None))
    assert f"A confirmation is under way: {ended} of its 4 runs have ended, and nothing is confirmed" in page.text
    assert "No stage of the confirmation has completed a pair of runs yet" in page.text
    assert "figure-forest" not in page.data


def test_a_confirmation_of_one_seed_has_no_interval_and_a_page(new_store, confirm):
    store = new_store()
    confirm(store, {"a claim": ({"conv1": "lc"}, {})}, {"{}": [70.0], '{"conv1": "lc"}': [72.0]})
    page = Page(report_page(store, "small"))
    assert "No claim is confirmed on 1 fresh seed: a claim is undecided, +2.00 points, " in page.text
    assert "NaN" not in json.dumps(page.data)
    assert "figure-forest" in page.data


def test_hostile_claims_stay_text(new_store, confirm):
    def drawn(label):
        store = new_store()
        plan = {"conv1": "lc"}
        arms = {"{}": [70.0, 70.1], '{"conv1": "lc"}': [75.0, 75.2], '{"conv1": "coord"}': [70.0, 70.3]}
        confirm(store, {label: (plan, {"coord": {"conv1": "coord"}})}, arms)
        page = Page(report_page(store, "small"))
        (store_file,) = [store.url.database]
        store.engine.dispose()
        Path(store_file).unlink()
        return page

    harmless, hostile = drawn("a claim"), drawn(HOSTILE)
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert "<img" not in json.dumps(hostile.data)
    assert HOSTILE in hostile.text


def test_a_confirmation_is_reported_with_its_search(confirmed_store):
    with pytest.raises(InputError, match=r"is the confirmation of 'small'.*'lrlc-nas report small'"):
        report_page(confirmed_store, "small/confirmation")


def test_a_study_that_is_only_named_so_is_no_confirmation(new_store):
    store = new_store()
    searched = store.study("small")
    insert_study(
        store,
        name="small/confirmation",
        config=searched.config,
        space=searched.space,
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={},
        files="",
        sites=[],
        runs=[],
    )
    assert "In this screening," in report_page(store, "small")
    assert "No run has finished yet" in report_page(store, "small/confirmation")


def test_the_file_says_why_the_networks_show_nothing(new_store, tmp_path):
    store = new_store()
    write_report(store, "small", tmp_path / "report.html")
    written, live = (tmp_path / "report.html").read_text(encoding="utf-8"), report_page(store, "small")
    assert "There is nothing to show of the trained networks: " in written
    assert "There is nothing to show of the trained networks: " not in live
    assert "This page was made without maps of space and moved images" in live
