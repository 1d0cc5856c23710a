"""Our pages say what the database holds, and names stay text."""

import re
from html.parser import HTMLParser
from urllib.parse import quote

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import create_trial
from toy_dashboard import BASE, HOSTILE, add_study, client_of, opened, train

from lrlc_nas.dashboard.pages import REPORT_POLICY
from lrlc_nas.store import shown


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    @property
    def links(self):
        return [attributes["href"] for tag, attributes in self.elements if tag == "a"]


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def test_the_first_page_lists_every_study_once(client, store):
    found = page(client, "/")
    assert HOSTILE in found.text
    assert found.links.index("/studies/2") < found.links.index("/studies/1")  # the newest first
    assert store.shown in found.text
    assert "5 complete, 1 pruned, 1 failed, 2 waiting" in found.text
    assert "76.00 %" in found.text  # run 6, the best of the complete ones
    assert {"/studies/1", "/studies/2", "/studies/1/trials/6", "/dashboard/studies/1", "/dashboard"} <= set(found.links)


def test_a_confirmation_stands_beside_its_study(client):
    found = page(client, "/")
    assert found.links.count("/studies/3") == 1
    assert "first/confirmation" not in found.text
    assert "confirmation (2 complete, 7 waiting)" in " ".join(found.text.split())
    assert ("confirmation", "/studies/3") in related(client, 1)
    assert ("its search", "/studies/1") in related(client, 3)
    assert not [words for words, _ in related(client, 2) if words in ("confirmation", "its search")]


def related(client, study):
    text = client.get(f"/studies/{study}").text
    return [(words, href) for href, words in re.findall(r'<a href="([^"]*)">([^<]*)</a>', text)]


def test_a_page_on_a_study_frames_its_report(client):
    found = page(client, "/studies/1")
    assert ("main", {"id": "report", "data-address": "/studies/1"}) in found.elements
    assert {"/studies/1/report", "/dashboard/studies/1", "/"} <= set(found.links)
    report = client.get("/studies/1/report")
    assert report.status_code == 200
    assert "Every run" in report.text
    assert report.headers["content-security-policy"] == REPORT_POLICY
    assert report.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_report_travels_compressed_where_that_is_understood(client, encoding):
    answer = client.get("/studies/1/report", headers={"Accept-Encoding": encoding})
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert answer.text.startswith("<!DOCTYPE html>")


def test_a_page_on_a_run(client):
    found = page(client, "/studies/1/trials/2")
    assert "Run 2" in found.text
    assert "complete" in found.text
    assert "72.00 %" in found.text
    assert "3,000 (3.00 × the host)" in found.text
    assert "1 of 2 sites is changed" in found.text
    assert "none on this machine" in found.text
    assert {"/studies/1", "/studies/1/trials/1", "/studies/1/trials/3"} <= set(found.links)
    figures = [attributes["id"] for tag, attributes in found.elements if attributes.get("class") == "figure"]
    assert figures == ["figure-metric", "figure-loss"]


def test_a_run_that_waits_has_no_curve_of_its_own(client):
    found = page(client, "/studies/1/trials/8")
    assert "The sampler has not decided yet." in found.text
    assert "No epoch has been recorded yet, so there is no curve." in found.text


@pytest.mark.parametrize("path", ["/", "/studies/2", "/studies/2/trials/4", "/studies/2/trials/5"])
def test_hostile_names_stay_text(client, path):
    answer = client.get(path)
    found = Page(answer.text)
    assert HOSTILE in found.text
    assert "img" not in {tag for tag, _ in found.elements}
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    assert all(set(script) <= {"defer", "src", "type", "id"} for script in scripts)
    assert "alert(1)</script>" not in answer.text


@pytest.mark.parametrize("name", ["first", HOSTILE, "first/confirmation"])
@pytest.mark.parametrize(("rest", "expected"), [("", ""), ("/trials/1", "/trials/1")])
def test_a_quoted_name_leads_to_the_number(client, store, name, rest, expected):
    number = store.study(name).study_id
    answer = client.get(f"/studies/{quote(name, safe='')}{rest}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"/studies/{number}{expected}")


@pytest.mark.parametrize(
    "path",
    [
        "/studies/9",
        "/studies/9/report",
        "/studies/9/version",
        "/studies/9/trials/0",
        "/studies/1/trials/99",
        "/studies/none",
        "/studies/first/trials/x",
        "/studies/first/trials/²",
        "/studies/%3Cscript%3E",
        "/assets/none.js",
        "/assets/..%2F..%2Fguard.py",
        "/assets/base.html",
        "/none",
        "//evil.example/",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(client, path):
    answer = client.get(f"{BASE}{path}", follow_redirects=False)
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_the_version_follows_the_study(tmp_path):
    with opened(tmp_path / "study.db") as store:
        study = add_study(store, "first", ended=1)
        with client_of(store) as client:
            before = {path: client.get(path).json() for path in ("/version", "/studies/1/version")}
            assert all(client.get(path).json()["version"] == before[path]["version"] for path in before)
            train(store, study, 1)
            after = {path: client.get(path).json() for path in before}
            assert all(before[path]["version"] != after[path]["version"] for path in before)
            assert after["/studies/1/version"]["words"] == "2 complete, 7 waiting"
            assert "2 complete" in client.get("/").text


def test_no_page_holds_the_password(store, monkeypatch):
    url = store.url.set(username="me", password="pa55word", host="db.example", query={"sslpassword": "pa55word"})
    with client_of(store) as client:
        monkeypatch.setattr(store, "shown", shown(url))
        texts = [client.get(path).text for path in ("/", "/studies/9", "/studies/none", "/studies/1/trials/99")]
    assert all("db.example" in text for text in texts[:3])
    assert not any("pa55word" in text for text in texts)


def test_assets_are_ours(client):
    for name, kind in (("live.js", "javascript"), ("figures.js", "javascript"), ("dashboard.css", "css")):
        answer = client.get(f"/assets/{name}")
        assert kind in answer.headers["content-type"]
        assert answer.status_code == 200
    assert "Plotly" in client.get("/assets/plotly.js").text


def test_a_study_that_only_optuna_knows_has_a_report(tmp_path):
    """It needs none of ours beside it."""
    made = optuna.create_study(study_name="own <b>", storage=f"sqlite:///{tmp_path / 'o.db'}", direction="minimize")
    sites = {"a": CategoricalDistribution(("conv", "lc"))}
    for token, value in (("conv", 3.0), ("conv", 3.2), ("lc", 1.0), ("lc", 1.1)):
        made.add_trial(create_trial(params={"a": token}, distributions=sites, value=value))
    with opened(tmp_path / "o.db") as store, client_of(store) as client:
        found = page(client, "/")
        assert "own <b>: report" in found.text
        (report,) = [link for link in found.links if link.endswith("/report")]
        answer = client.get(report)
        assert answer.status_code == 200
        assert "reduction of value" in answer.text
        assert client.get("/optuna/99/report").status_code == 404
