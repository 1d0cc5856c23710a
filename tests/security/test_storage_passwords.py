"""The password of a database is with the database, in the environment and in memory, and nowhere else."""

import gc
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
import pytest
from poison import CONFIG, call
from slow_cases import mostly_slow
from sqlalchemy import MetaData, select

from lrlc_nas.engine.launchers import LocalWorkers
from lrlc_nas.errors import StorageError
from lrlc_nas.report.study_file import study_file
from lrlc_nas.store import Store
from tests.reliability.canary import CANARY, found_in
from tests.reliability.servers import MariaDB, PostgreSQL, Server, running

USER = "bird"
SERVERS = ("postgresql", "mariadb")
PATIENCE = 120

# A command ends with its process, and its connections too; here the collector of memory closes them.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")


class _MariaDB(MariaDB):
    """With one user more; the usual one may not make users."""

    def make(self) -> None:
        super().make()
        with (self.folder / "users.sql").open("a") as users:
            users.write(f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{CANARY}';\n")
            users.write(f"GRANT ALL ON *.* TO '{USER}'@'%';\n")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with running(PostgreSQL) as server:
        doubled = CANARY.replace("%", "%%")  # the driver takes a percent sign for a place
        server.execute(f"CREATE ROLE {USER} LOGIN SUPERUSER PASSWORD '{doubled}'")
        yield server


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Server]:
    with running(_MariaDB) as server:
        yield server


def url_of(server: Server, form: str, password: str = CANARY) -> str:
    """The URL of a new database, with the password where URLs have it, or in the query."""
    scheme, rest = server.new_database().split("://")
    place = rest.rpartition("@")[2]
    secret = quote(password, safe="")
    if form == "query":
        return f"{scheme}://{place}?user={USER}&password={secret}"
    return f"{scheme}://{USER}:{secret}@{place}"


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    kind, form = request.param
    return url_of(request.getfixturevalue(kind), form)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, modules: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("SENTINEL", str(tmp_path / "imported"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("LRLC_NAS_STORAGE", raising=False)
    (tmp_path / "study.toml").write_text(study_file(CONFIG))
    yield
    gc.collect()


def assert_hidden(text: str | bytes, where: object) -> None:
    """The password is not there, as it is or as a URL has it."""
    content = text.encode() if isinstance(text, str) else text
    assert not found_in(content), (where, content[:2000])


def watched(*arguments: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run a command as a process to its end; the command lines of all its children meanwhile."""
    command = [sys.executable, "-m", "lrlc_nas", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        children: set[str] = set()
        with suppress(psutil.NoSuchProcess):
            while process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        children.add("\0".join(child.cmdline()))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
        out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, out, err), children


def rows(store: Store) -> Iterator[tuple[str, str]]:
    """Every row of every table of a database."""
    found = MetaData()
    found.reflect(store.engine)
    with store.engine.connect() as connection:
        for table in found.sorted_tables:
            for row in connection.execute(select(table)):
                yield table.name, repr(tuple(row))


SLOWLY = pytest.mark.slow


@pytest.mark.parametrize(
    "url",
    [
        ("postgresql", "usual"),
        pytest.param(("mariadb", "query"), marks=SLOWLY),
        pytest.param(("postgresql", "query"), marks=SLOWLY),
        pytest.param(("mariadb", "usual"), marks=SLOWLY),
    ],
    indirect=True,
    ids="-".join,
)
def test_a_study_leaves_it_nowhere(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRLC_NAS_STORAGE", url)
    done, children = watched("start", "study.toml", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert any("worker" in line.split("\0") for line in children)
    for line in children:
        assert_hidden(line, "the command line of a child")
    assert_hidden(done.stdout + done.stderr, "start")
    for line in ("list", "show shy", "power shy", "report shy -o report.html --trust", "export shy -o best", "show no"):
        said = call(*line.split())
        assert said.code == (2 if line == "show no" else 0), said
        assert_hidden(said.out + said.err, line)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {".pt", ".log", ".html", ".safetensors", ".json", ".py"} <= {path.suffix for path in kept}
    for path in kept:
        assert_hidden(path.read_bytes(), path)
    for path in (tmp_path / "lrlc-nas.runs", *(tmp_path / "lrlc-nas.runs").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (tmp_path / "lrlc-nas.runs", *(tmp_path / "lrlc-nas.runs").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    store = Store(url)
    stored = list(rows(store))
    assert {"nas_run", "trials"} <= {table for table, _ in stored}
    for table, row in stored:
        assert_hidden(row, table)
    study = store.study("shy")
    for thing in (store, store.engine, store.url, store.shown, study, LocalWorkers(store, study, ["cpu"])):
        assert_hidden(repr(thing) + str(thing), type(thing))
    store.engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bird:{}@host/studies",
        "postgresql://host/studies?user=bird&password={}",
        "mysql://host/studies?passwd={}",
        "postgresql://bird@host/studies?sslmode=require&sslpassword={}",
        "sqlite://bird:{}@/studies.db",
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        "start study.toml",
        "resume shy",
        "list",
        "show shy",
        "power shy",
        "report shy",
        "confirm shy",
        "test shy",
        "cards shy -o cards",
        "export shy -o best",
        "worker shy",
        "dashboard",
    ],
)
def test_it_is_refused_where_everybody_can_read_it(url: str, line: str, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    done = call(*line.split(), "--storage", url.format(quote(CANARY, safe="")))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "a password on the command line" in done.err
    assert "LRLC_NAS_STORAGE" in done.err
    assert_hidden(done.err, line)
    assert set(tmp_path.rglob("*")) == before


def test_a_file_of_passwords_is_none(tmp_path: Path) -> None:
    done = call("list", "--storage", "postgresql://bird@127.0.0.1:1/studies?passfile=/home/bird/.pgpass")
    assert "a password on the command line" not in done.err
    assert "does not answer" in done.err


LINES = ("list", "start study.toml", "resume shy", "report shy", "worker shy", "dashboard")


@pytest.mark.parametrize(
    ("kind", "form", "line"),
    mostly_slow(
        product(SERVERS, ("usual", "query"), LINES),
        *(("postgresql", "usual", line) for line in LINES[:3]),
        *(("mariadb", "query", line) for line in LINES[3:]),
    ),
)
def test_a_wrong_one_is_refused_in_one_line_without_it(
    request: pytest.FixtureRequest, kind: str, form: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = url_of(request.getfixturevalue(kind), form, CANARY + "x")
    monkeypatch.setenv("LRLC_NAS_STORAGE", wrong)
    done = call(*line.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert urlsplit(wrong).path[1:6] in done.err  # it says which database
    assert "the database does not answer: " in done.err
    assert_hidden(done.err, line)


@pytest.mark.parametrize("form", ["usual", "query"])
@pytest.mark.parametrize("kind", SERVERS)
def test_no_traceback_holds_it(request: pytest.FixtureRequest, kind: str, form: str) -> None:
    """Also not one of an error that nobody has foreseen, with all that led to it."""
    store = Store(url_of(request.getfixturevalue(kind), form, CANARY + "x"))
    with pytest.raises(StorageError) as told:
        store.exists()
    assert_hidden("".join(traceback.format_exception(told.value)), "ours")
    with pytest.raises(Exception, match=USER) as unforeseen:
        store.engine.connect()
    assert_hidden("".join(traceback.format_exception(unforeseen.value)), "SQLAlchemy's")
    store.engine.dispose()


@pytest.mark.parametrize("scheme", ["postgresql", "mysql", "mariadb"])
@pytest.mark.parametrize("password", ["p@ss", "a@b@c", "@"])
def test_an_unquoted_at_is_refused_before_its_end_is_taken_for_a_host(scheme: str, password: str) -> None:
    with pytest.raises(StorageError, match=r"^storage: an @ in a user name or a password must be written as %40$"):
        Store(f"{scheme}://me:{password}@127.0.0.1:1/db")


def test_the_environment_of_workers_is_what_carries_it() -> None:
    """The canary can be seen where it is: a test that could not find it would prove nothing."""
    with pytest.raises(AssertionError):
        assert_hidden(f"postgresql://me:{quote(CANARY, safe='')}@host/db", "a URL")
    with pytest.raises(AssertionError):
        assert_hidden(os.fsencode(CANARY), "itself")
