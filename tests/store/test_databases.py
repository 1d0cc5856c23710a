"""A new kind of database is a file and a line in one table: what differs between kinds is asked of that table."""

import ast
from pathlib import Path

import pytest
from sqlalchemy import make_url

import lrlc_nas
from lrlc_nas.errors import StorageError
from lrlc_nas.store import parse_url
from lrlc_nas.store.databases import DATABASES
from lrlc_nas.store.databases.sqlite import SQLite
from lrlc_nas.store.engine import database_now, engine_options, make_engine

PACKAGE = Path(lrlc_nas.__file__).parent
NAMES = set(DATABASES)


def names_in(path):
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in NAMES
    }


def test_only_the_table_names_kinds_of_databases():
    outside = [path for path in PACKAGE.rglob("*.py") if "databases" not in path.parts]
    # MySQL's long texts are a type of the tables.
    allowed = {"models.py"}
    found = {path.name: names_in(path) for path in outside if "migrations" not in path.parts and names_in(path)}
    assert set(found) <= allowed


def test_a_line_in_the_table_is_all_that_another_kind_needs(monkeypatch, tmp_path):
    class Other(SQLite):
        """A kind of its own, with another clock."""

        clock = "SELECT 12.5"

    url = f"sqlite:///{tmp_path}/x.db"
    monkeypatch.setattr("lrlc_nas.store.engine.DATABASES", {"sqlite": Other()})
    engine = make_engine(parse_url(url))
    with engine.connect() as connection:
        assert database_now(connection) == 12.5
    engine.dispose()


@pytest.mark.parametrize("name", sorted(NAMES - {"sqlite"}))
def test_no_server_is_waited_for_without_end(name):
    options = engine_options(make_url(f"{name}+{DATABASES[name].driver}://me@host/studies"))
    assert 0 < options["connect_args"]["connect_timeout"] < 60


def test_an_unknown_kind_is_told_which_there_are():
    with pytest.raises(StorageError) as told:
        parse_url("oracle://me@host/studies")
    assert all(name in str(told.value) for name in NAMES)
