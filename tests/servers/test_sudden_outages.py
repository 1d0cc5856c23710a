"""A server that goes away in a moment in which nobody waits for it: one line, and never a traceback."""

import gc
import re
from contextlib import closing

import pytest
from slow_cases import mostly_on, mostly_slow
from starlette.testclient import TestClient

from lrlc_nas import cli
from lrlc_nas.dashboard import application, open_storage
from lrlc_nas.dashboard.guard import ENTRANCE
from lrlc_nas.engine import lifecycle, start_study
from lrlc_nas.errors import OutageError, StorageError
from lrlc_nas.facts import Role
from lrlc_nas.search import optuna_view as mirror
from lrlc_nas.store import NewRun, Store, change_tokens, extend_study
from tests.reliability.servers import PASSWORD
from tests.reliability.toy import NAME, toy_config

# A command that ends in the middle leaves its connections to the end of the process, which here goes on.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def server(server):
    """A server that is there again for the next test, however this one ends."""
    yield server
    gc.collect()
    server.crash()
    server.start()


def crash_after(monkeypatch, server, place, name):
    """Crash the server once a function or method has ended."""
    inner = getattr(place, name)

    def ending(*arguments, **keywords):
        result = inner(*arguments, **keywords)
        server.crash()
        return result

    monkeypatch.setattr(place, name, ending)


def run(*words):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["lrlc-nas", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return ended.value.code


MOMENTS = [
    (lifecycle, "require_optuna"),
    (Store, "create"),
    (lifecycle, "create_optuna_tables"),
    (Store, "add_study"),
    (mirror, "make_optuna_tables"),
    (mirror, "open_storage"),
    (mirror.optuna, "create_study"),
    (mirror.OptunaView, "_new_trial"),
]
NAMES = [name for _, name in MOMENTS]


@mostly_on("postgresql")
@pytest.mark.parametrize(
    ("place", "name"), mostly_slow(MOMENTS, MOMENTS[1], MOMENTS[6]), ids=[name for _, name in MOMENTS]
)
def test_a_start_ends_in_one_line(server, url, place, name, monkeypatch, capsys):
    monkeypatch.setenv("LRLC_NAS_STORAGE", url)
    crash_after(monkeypatch, server, place, name)
    assert run("start", "--workers", "0", "--trials", "12") == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"Error: storage [^\n]*: the database does not answer: [^\n]+\n", said), said
    assert PASSWORD not in said


@mostly_on("mariadb")
def test_a_total_is_raised_in_one_line(server, store, monkeypatch):
    study = start_study(store, toy_config(2, 1))
    server.crash()
    with pytest.raises(StorageError, match="the database does not answer: "):
        extend_study(store, study.record, 3, [NewRun(Role.SAMPLED, 1)])


@mostly_on("postgresql")
def test_whatever_else_was_asked_of_it_ends_in_one_line_too(server, store, monkeypatch, capsys):
    def unprepared(*words):
        with store.engine.connect() as connection:
            server.crash()
            connection.exec_driver_sql("SELECT 1")

    monkeypatch.setattr(cli, "app", lambda *arguments, **keywords: unprepared())
    assert run("list") == OutageError.exit_code
    said = capsys.readouterr().err
    assert re.fullmatch(r"Error: the database does not answer any more: [^\n]+\n", said), said


def test_an_error_of_a_statement_is_no_outage(store, monkeypatch):
    def wrong(*arguments, **keywords):
        with store.engine.connect() as connection:
            connection.exec_driver_sql("SELECT nothing FROM nowhere")

    monkeypatch.setattr(cli, "app", wrong)
    monkeypatch.setattr("sys.argv", ["lrlc-nas", "list"])
    with pytest.raises(Exception, match="nowhere"):
        cli.main()


@mostly_on("mariadb")
def test_the_dashboard_says_that_the_database_does_not_answer(server, store):
    start_study(store, toy_config(2, 1))
    storage = open_storage(store)
    app = application(store, storage, token="secret")
    with closing(TestClient(app, base_url="http://127.0.0.1:8080")) as client:
        client.get(f"{ENTRANCE}?token=secret")
        for path in PAGES:
            assert client.get(path).status_code == 200, path
        server.crash()
        for path in PAGES:
            answer = client.get(path)
            assert (answer.status_code, "the database does not answer" in answer.text) == (503, True), path
            assert PASSWORD not in answer.text
        with pytest.raises(StorageError, match="does not answer"):
            change_tokens(store)
        server.start()
        for path in PAGES:
            assert client.get(path).status_code == 200, path
    storage.engine.dispose()


PAGES = ("/", "/version", "/studies/1", "/studies/1/version", "/studies/1/trials/0", f"/studies/{NAME}")
