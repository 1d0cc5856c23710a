"""A study that goes on with other software is told so, and is not refused."""

import hashlib
import re
from pathlib import Path

import pytest
import toy_study

from lrlc_nas.engine import compatibility, resume_study
from lrlc_nas.engine.compatibility import changes, sources

HOST = "toy_study:host"


def test_the_sources_are_the_modules_of_functions():
    digest = hashlib.sha256(Path(toy_study.__file__).read_bytes()).hexdigest()
    assert sources(toy_study.config()) == {HOST: digest, "toy_study:images": digest}


@pytest.mark.parametrize(("host", "data"), [("paper-cnn", "embedded"), ("torchvision:resnet18", "imagefolder:images")])
def test_hosts_and_images_by_name_have_none(host, data):
    config = toy_study.config()
    host = config.host.model_copy(update={"name": host})
    data = config.data.model_copy(update={"name": data})
    assert sources(config.model_copy(update={"host": host, "data": data})) == {}


def test_nothing_has_changed(study):
    assert changes(study.record.facts, study.prepared.config) == ""


def test_older_studies_recorded_no_sources(study):
    facts = {key: value for key, value in study.record.facts.items() if key not in ("sources", "versions")}
    assert changes(facts, study.prepared.config) == ""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"versions": {"torch": "2.0.0"}}, r"begun with other software: torch 2\.0\.0, now \d"),
        ({"sources": {HOST: "0" * 64}}, rf"begun with other software: another file of {HOST}\. "),
        ({"versions": {"numpy": "1"}, "sources": {HOST: "0"}}, rf"numpy 1, now \S+; another file of {HOST}"),
    ],
)
def test_what_has_changed_is_named(study, changed, told):
    note = changes({**study.record.facts, **changed}, study.prepared.config)
    assert re.search(told, note), note


def test_the_study_goes_on(store, study, monkeypatch):
    monkeypatch.setattr(compatibility, "version", lambda name: "99")
    resumed = resume_study(store, "toy")
    assert "torch" in changes(resumed.record.facts, resumed.prepared.config)
