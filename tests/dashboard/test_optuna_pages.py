"""Optuna's dashboard is read beside our pages; what would change a study or serve a file stays closed."""

import sqlite3
import threading
from contextlib import closing
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
from optuna_dashboard import wsgi
from toy_dashboard import BASE, HOSTILE, add_study, client_of, opened

from lrlc_nas.dashboard import open_storage
from lrlc_nas.dashboard.optuna_pages import mended
from lrlc_nas.errors import InputError
from lrlc_nas.store import Store

NAMES = ["first", HOSTILE, "first/confirmation"]


def names(client):
    answer = client.get("/api/studies")
    assert answer.status_code == 200
    return [study["study_name"] for study in answer.json()["study_summaries"]]


def test_page_and_studies_are_served(client):
    for path in ("/dashboard", "/dashboard/studies/1", "/dashboard/studies/1/trials"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "<html" in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert policy.endswith(";frame-ancestors 'none';base-uri 'none';form-action 'none'")
    assert names(client) == NAMES
    assert client.get("/api/studies/1").json()["name"] == "first"
    assert client.get("/api/meta").json()["artifact_is_available"] is False
    assert client.get("/csv/1").text.startswith("Number,State,Value")


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_its_script_is_served(client, encoding):
    answer = client.get("/static/bundle.js", headers={"Accept-Encoding": encoding})
    assert answer.status_code == 200
    assert "Optuna" in answer.text


WRITING = [
    ("DELETE", "/api/studies/1"),
    ("POST", "/api/studies"),
    ("POST", "/api/studies/1/rename"),
    ("POST", "/api/trials/1/tell"),
    ("POST", "/api/trials/1/user-attrs"),
    ("POST", "/api/studies/1/1/skip"),
    ("POST", "/incompatible-rdb-schema"),
    ("POST", "/api/artifacts/1"),
    ("POST", "/api/artifacts/1/1"),
    ("DELETE", "/api/artifacts/1/ab"),
    ("PUT", "/api/studies/1/preference_feedback_component"),
    ("PATCH", "/api/studies/1"),
    ("OPTIONS", "/api/studies"),
]


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize(("method", "path"), WRITING)
def test_what_changes_a_study_is_refused_and_changes_nothing(store, writable, method, path):
    body = {"study_name": "second", "directions": ["maximize"], "state": 1, "body": "x", "user_attrs": {"slot": 9}}
    with client_of(store, writable=writable) as client:
        before = client.get("/api/studies/1").json()
        answer = client.request(method, path, json=body, headers={"Origin": BASE})
        assert answer.status_code in ((404, 405) if writable else (405,))
        assert names(client) == NAMES
        assert client.get("/api/studies/1").json() == before


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize(
    "path", ["/artifacts/1/ab", "/artifacts/1/1/ab", "/artifacts/1/ab/", "/api/artifacts/1", "/sql-profiler"]
)
def test_artifacts_are_closed(store, writable, path):
    with client_of(store, writable=writable) as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/studies/1/note", "/api/studies/1/1/note"])
def test_notes_can_be_written_where_it_was_asked_for(tmp_path, path):
    note = {"body": "mine", "version": 1}
    with opened(tmp_path / "notes.db") as store:
        add_study(store, "first", ended=0)
        with client_of(store) as client:
            assert client.put(path, json=note, headers={"Origin": BASE}).status_code == 405
        with client_of(store, writable=True) as client:
            assert client.put(path, json=note).status_code == 403
            assert client.put(path, json=note, headers={"Origin": BASE}).status_code == 204
            assert "mine" in client.get("/api/studies/1").text


def test_what_is_mended_keeps_the_rules_of_wsgi(store):
    storage = open_storage(store)
    environ = {"PATH_INFO": "/static/bundle.js", "QUERY_STRING": "", "SCRIPT_NAME": ""}
    setup_testing_defaults(environ)  # names no encoding, which by itself would be an error of the server
    statuses = []

    def start_response(status, headers, exc_info=None):
        statuses.append(status)
        return lambda data: None

    with closing(validator(mended(wsgi(storage)))(environ, start_response)) as answer:
        assert b"".join(answer)
    assert statuses == ["200 OK"]
    storage.engine.dispose()


def test_reading_does_not_wait_for_a_worker_that_writes(client, store):
    answered = []

    def read():
        answered.extend(names(client))
        answered.append(client.get("/").status_code)
        answered.append(client.get("/studies/1/trials/1").status_code)

    reader = threading.Thread(target=read)
    with closing(sqlite3.connect(store.url.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        reader.start()
        reader.join(20)  # a reader that needed the lock would wait for it for 60 s
        answered_meanwhile = list(answered)
        writer.execute("ROLLBACK")
    reader.join()
    assert answered_meanwhile == [*NAMES, 200, 200]


def test_a_database_without_study_is_refused(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(InputError, match="holds no study"):
        open_storage(store)
    assert not (tmp_path / "none.db").exists()
    store.engine.dispose()


def test_braces_in_the_address_are_text(tmp_path):
    with opened(tmp_path / "a{0}b{c}.db") as store:
        add_study(store, "first", ended=0)
        with client_of(store) as client:
            assert names(client) == ["first"]
