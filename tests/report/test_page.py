"""The page stands by itself, and names stay text."""

import base64
import hashlib
import json
from html.parser import HTMLParser

import pytest

from lrlc_nas.errors import InputError
from lrlc_nas.report import report_page, write_report


FIGURES = ["figure-effects", "figure-parameters", "figure-macs", "figure-curves"]
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
    def code(self):
        return [content for attributes, content in self.scripts if "type" not in attributes]


def test_verdict_comes_first_and_every_part_is_there(new_store):
    page = Page(report_page(new_store(), "small"))
    parts = [
        "In this screening,",
        "What was asked",
        "Where relaxing helps",
        "What giving up costs",
        "Before you believe it",
        "Accuracy and cost",
        "Learning curves",
        "Every run",
        "How it was done",
        "Left out of the space",
        "Convolutions that are no sites",
        "lrlc-nas start study.toml",
    ]
    places = [page.text.index(part) for part in parts]
    assert places == sorted(places)
    assert sorted(page.data) == sorted(FIGURES)


def test_the_page_asks_the_network_for_nothing(new_store):
    page = Page(report_page(new_store(), "small"))
    assert not [
        (tag, name) for tag, attributes in page.elements for name in attributes if name in ("src", "href")
    ]
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
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "figure"]
    assert sorted(ids) == sorted(FIGURES)
    assert len([tag for tag, _ in page.elements if tag == "figcaption"]) == len(FIGURES)


def test_hostile_names_stay_text(new_store):
    harmless = Page(report_page(new_store(), "small"))
    hostile = Page(report_page(new_store(HOSTILE, sites=(HOSTILE, "<b>conv2</b>")), HOSTILE))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in harmless.elements]
    assert f"Study {HOSTILE}," in hostile.text
    assert f"{HOSTILE}=lc" in hostile.text
    assert "<img" not in json.dumps(hostile.data)
    assert hostile.code == harmless.code


@pytest.mark.parametrize("finished", range(9))
def test_a_study_at_any_stage_has_a_page(new_store, finished):
    page = Page(report_page(new_store(finished=finished), "small"))
    drawn = [attributes["id"] for _, attributes in page.elements if attributes.get("class") == "figure"]
    assert sorted(page.data) == sorted(drawn)
    assert "NaN" not in json.dumps(page.data)
    assert "nan" not in page.text.split()


def test_a_study_without_finished_run_says_so_in_place_of_each_figure(new_store):
    page = Page(report_page(new_store(finished=0), "small"))
    assert page.data == {}
    for sentence in (
        "No run has finished yet, so that this screening shows nothing so far.",
        "The finished runs tell no effect yet, so there is no map.",
        "No epoch has been recorded yet, so there are no curves.",
        "There is no finished run yet whose accuracy could be set against parameters.",
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
