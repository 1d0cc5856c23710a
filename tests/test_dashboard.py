"""The dashboard shows the studies of a database, to this machine alone, and changes nothing."""

import _thread
import http.client
import io
import json
import socket
import sqlite3
import threading
from contextlib import closing
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import optuna
import pytest

from lrlc_nas.dashboard import application, guarded, open_storage, serve
from lrlc_nas.errors import InputError
from lrlc_nas.store import NewRun, Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A database with one study, in our tables and in Optuna's; no test may change it."""
    path = tmp_path_factory.mktemp("dashboard") / "study.db"
    store = Store(f"sqlite:///{path}")
    store.create()
    store.add_study(
        name="first",
        config="{}",
        space={},
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={},
        files="",
        sites=[],
        runs=[NewRun("host", 0)],
    )
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    study = optuna.create_study(storage=storage, study_name="first", direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=0.5))
    storage.engine.dispose()
    yield store
    store.engine.dispose()


@pytest.fixture(scope="module")
def app(store):
    storage = open_storage(store)
    yield application(storage)
    storage.engine.dispose()


def call(app, path, method="GET", host="127.0.0.1:8080", body=b""):
    """Status, headers (lower case) and body of a WSGI application's answer."""
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host}
    setup_testing_defaults(environ)
    environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
    environ |= {"QUERY_STRING": "", "wsgi.input": io.BytesIO(body)}
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer["status"], answer["headers"] = int(status[:3]), {key.lower(): value for key, value in headers}
        return lambda data: None

    result = app(environ, start_response)
    content = b"".join(result)
    if hasattr(result, "close"):
        result.close()
    return answer["status"], answer["headers"], content


def names(app):
    status, _, body = call(app, "/api/studies")
    assert status == 200
    return [study["study_name"] for study in json.loads(body)["study_summaries"]]


def test_page_and_studies_are_served(app):
    status, headers, body = call(app, "/dashboard")
    assert status == 200
    assert b"<html" in body.lower()
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert names(app) == ["first"]
    assert call(app, "/api/studies/1")[0] == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:9"])
def test_hosts_of_this_machine_are_served(app, host):
    assert call(app, "/api/studies", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", "", "10.0.0.1", "0.0.0.0"],
)
def test_other_hosts_are_refused(app, host):
    status, _, body = call(app, "/api/studies", host=host)
    assert status == 403
    assert b"first" not in body


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/studies/1"),
        ("POST", "/api/studies"),
        ("POST", "/api/studies/1/rename"),
        ("POST", "/api/trials/1/tell"),
        ("POST", "/incompatible-rdb-schema"),
        ("PUT", "/api/studies/1/note"),
        ("PATCH", "/api/studies/1"),
        ("OPTIONS", "/api/studies"),
    ],
)
def test_methods_that_write_are_refused_and_change_nothing(app, method, path):
    body = json.dumps({"study_name": "second", "directions": ["maximize"], "state": 1, "body": "x"}).encode()
    status, headers, _ = call(app, path, method, body=body)
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert names(app) == ["first"]


def test_artifacts_cannot_run_in_the_origin_of_the_dashboard():
    def artifact(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html"), ("Access-Control-Allow-Origin", "*")])
        return [b"<script>"]

    _, headers, _ = call(guarded(artifact), "/artifacts/1/abc")
    assert headers["content-disposition"] == "attachment"
    assert headers["content-security-policy"] == "sandbox"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "localhost"])
def test_the_guard_keeps_the_rules_of_wsgi(app, host):
    environ = {"HTTP_HOST": host, "PATH_INFO": "/api/studies", "QUERY_STRING": "", "SCRIPT_NAME": ""}
    setup_testing_defaults(environ)
    with closing(validator(app)(environ, lambda status, headers, exc_info=None: lambda data: None)) as answer:
        assert b"".join(answer)


def test_reading_does_not_wait_for_a_worker_that_writes(app, store):
    answered = []
    reader = threading.Thread(target=lambda: answered.extend(names(app)))
    with closing(sqlite3.connect(store.url.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        reader.start()
        reader.join(20)  # a reader that needed the lock would wait for it for 60 s
        answered_meanwhile = list(answered)
        writer.execute("ROLLBACK")
    reader.join()
    assert answered_meanwhile == ["first"]


def request(port, method, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request(method, path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_served_over_a_socket_until_interrupted(store):
    answers = {}

    def ask(address):
        port = int(address.rpartition(":")[2].strip("/"))
        try:
            answers["page"] = request(port, "GET", "/dashboard")
            answers["evil"] = request(port, "GET", "/api/studies", host="evil.example")
            answers["delete"] = request(port, "DELETE", "/api/studies/1")
            answers["studies"] = request(port, "GET", "/api/studies")
        finally:
            _thread.interrupt_main()

    serve(store, port=0, ready=lambda address: threading.Thread(target=ask, args=[address]).start())

    assert [status for status, _ in answers.values()] == [200, 403, 405, 200]
    assert b'"first"' in answers["studies"][1]


def test_a_port_in_use_is_named(store):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is in use"):
            serve(store, port=port)


def test_a_port_out_of_range_is_refused(store):
    with pytest.raises(InputError, match="port must be 0 to 65535; got 70000"):
        serve(store, port=70000)


def test_another_address_is_refused(store):
    with pytest.raises(InputError, match=r"host '0\.0\.0\.0': .* required is 127\.0\.0\.1 or localhost"):
        serve(store, host="0.0.0.0")


def test_a_database_without_study_is_refused(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(InputError, match="holds no study"):
        serve(store, port=0)
    assert not (tmp_path / "none.db").exists()
