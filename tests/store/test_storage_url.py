import re
import sys
import traceback
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from lrlc_nas.errors import StorageError
from lrlc_nas.store import Store, parse_url, shown, sqlite_path

REFUSED = {
    "": "not a database URL; required is something like sqlite:///lrlc-nas.db or postgresql://",
    "lrlc-nas.db": "not a database URL",
    "postgresql://me@host:port/db": "not a database URL",
    "sqlite://": r"SQLite needs a file, since workers are processes; for example sqlite:///lrlc-nas.db",
    "sqlite:///:memory:": "SQLite needs a file",
    "sqlite:///file:x?mode=memory&uri=true": "SQLite needs a file",
    "sqlite://studies.db": "with three slashes",
    "sqlite://folder/studies.db": "with three slashes",
    "sqlite+aiosqlite:///studies.db": "SQLite takes no other driver than pysqlite",
    "oracle://me@host/db": "the database must be one of sqlite, mysql, mariadb, postgresql; got oracle",
    "postgres://me@host/db": "the database must be one of sqlite, mysql, mariadb, postgresql; got postgres",
    "postgresql+nothing://me@host/db": "unknown driver nothing; the usual one is psycopg",
    "postgresql+pg8000://me@host/db": "needs the driver pg8000, which is not installed; the usual one is psycopg",
    "postgresql+psycopg_async://me@host/db": "the driver must not be an asynchronous one; got psycopg_async",
    "postgresql://me@host": "names no database; required is postgresql://USER@HOST/DATABASE",
    "mysql://me@host:99999/db": "the port must be from 1 to 65535; got 99999",
}


@pytest.mark.parametrize(("url", "message"), REFUSED.items())
def test_a_url_that_cannot_be_used_is_refused(tmp_path, monkeypatch, url, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(StorageError, match=message):
        Store(url)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "driver", "package"),
    [
        ("postgresql://me@host/db", "psycopg", "psycopg[binary]"),
        ("mysql://me@host/db", "pymysql", "pymysql"),
        ("mariadb://me@host/db", "pymysql", "pymysql"),
    ],
)
def test_a_missing_driver_is_named_with_the_package_that_has_it(monkeypatch, url, driver, package):
    monkeypatch.setitem(sys.modules, driver, None)
    message = f"needs the driver {driver}, which is not installed; pip install '{package}'"
    with pytest.raises(StorageError, match=re.escape(message)):
        parse_url(url)


@pytest.mark.parametrize("url", ["mysql://me@host/db", "mysql+pymysql://me@host/db"])
def test_a_server_url_has_a_driver(url):
    assert parse_url(url).drivername == "mysql+pymysql"


def test_a_sqlite_url_leads_to_a_file(tmp_path):
    assert sqlite_path(parse_url(f"sqlite:///{tmp_path}/studies.db")) == tmp_path / "studies.db"
    assert sqlite_path(parse_url("postgresql://me@host/db")) is None


def _directory(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("these are no pages")


@pytest.mark.parametrize(
    ("make", "message"), [(_directory, "studies.db is a directory"), (_text, "studies.db is not a SQLite database")]
)
def test_what_is_no_database_is_refused_and_left_as_it_is(tmp_path, make, message):
    make(tmp_path / "studies.db")
    before = [(path, path.stat().st_size) for path in tmp_path.rglob("*")]
    with pytest.raises(StorageError, match=message):
        Store(f"sqlite:///{tmp_path}/studies.db")
    assert [(path, path.stat().st_size) for path in tmp_path.rglob("*")] == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StorageError, match=f"the folder {tmp_path}/none does not exist"):
        Store(f"sqlite:///{tmp_path}/none/studies.db")


def test_a_damaged_database_is_one_clear_line(tmp_path):
    (tmp_path / "studies.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    with pytest.raises(StorageError, match=r"^storage sqlite:///\S+: the database does not answer: [^\n]+$"):
        Store(f"sqlite:///{tmp_path}/studies.db").names()


SECRET = "s3cret"


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
@pytest.mark.parametrize("read", [Store.exists, Store.names, Store.create])
def test_a_server_that_does_not_answer_is_one_clear_line_without_the_password(scheme, read):
    # Port 1 is privileged and, on a machine that runs tests, closed.
    store = Store(f"{scheme}://me:{SECRET}@127.0.0.1:1/db")
    message = r"^storage \w+\+\w+://me:\*\*\*@127.0.0.1:1/db: the database does not answer: [^\n]+$"
    with pytest.raises(StorageError, match=message) as caught:
        read(store)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}@host:port/db",
        f"oracle://me:{SECRET}@host/db",
        f"postgresql+nothing://me:{SECRET}@host/db",
        f"postgresql+nothing://host/db?password={SECRET}",
    ],
)
def test_no_message_repeats_a_password(url):
    with pytest.raises(StorageError) as caught:
        Store(url)
    assert SECRET not in str(caught.value)


def test_a_url_is_shown_without_password_and_query():
    url = make_url(f"postgresql+psycopg://me:{SECRET}@host:5/db?password={SECRET}")
    assert shown(url) == "postgresql+psycopg://me:***@host:5/db"
