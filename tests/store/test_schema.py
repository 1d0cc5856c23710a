import optuna
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from older import VERSIONS, take_back
from sqlalchemy import inspect, text
from toy_store import FOREVER, WAITING, add_study, make_store

from lrlc_nas.errors import StorageError
from lrlc_nas.store import Store, claim, require_present_version
from lrlc_nas.store.models import Base
from lrlc_nas.store.schema import VERSION_TABLE


def ours(name, kind, _parents):
    return kind != "table" or (name or "").startswith("nas_")


def difference(store):
    options = {"version_table": VERSION_TABLE, "include_name": ours, "compare_type": True}
    with store.engine.connect() as connection:
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def test_the_migrations_make_the_models(store):
    assert difference(store) == []


def test_the_comparison_would_find_a_missing_column(store):
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE nas_run DROP COLUMN reason"))
    assert [change[0] for change in difference(store)] == ["add_column"]


def test_the_comparison_would_find_a_missing_index(store):
    with store.engine.begin() as connection:
        connection.execute(text("DROP INDEX nas_run_claim"))
    assert [change[0] for change in difference(store)] == ["add_index"]


def test_creating_twice_changes_nothing(store, study):
    store.create()
    assert store.names() == ["toy"]


def test_our_tables_live_beside_optunas(tmp_path):
    url = f"sqlite:///{tmp_path}/studies.db"
    optuna.create_study(storage=url, study_name="foreign")
    store = make_store(tmp_path)
    add_study(store, [WAITING])
    assert {"trials", "alembic_version", "nas_run", VERSION_TABLE} <= set(inspect(store.engine).get_table_names())
    assert optuna.get_all_study_names(url) == ["foreign"]


@pytest.mark.parametrize("use", [Store.names, Store.create, lambda store: store.study("toy")])
def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path, store, study, use):
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    store.engine.dispose()
    before = (tmp_path / "studies.db").read_bytes()
    newer = Store(str(store.url))
    with pytest.raises(StorageError, match=r"made by a newer version of lrlc_nas \(schema 9999, this version knows"):
        use(newer)
    newer.engine.dispose()
    assert (tmp_path / "studies.db").read_bytes() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_tables_of_an_older_version_are_brought_forward(tmp_path, store, study, version):
    take_back(tmp_path / "studies.db", version)
    assert difference(store) != []
    store.create()
    assert difference(store) == []
    assert store.names() == ["toy"]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_database_is_not_worked_on_before_it_is_brought_forward(tmp_path, store, study, version):
    take_back(tmp_path / "studies.db", version)
    message = rf"older version of lrlc_nas \(schema {version}, now \d+\); 'lrlc-nas resume NAME --workers 0' brings"
    with pytest.raises(StorageError, match=message):
        require_present_version(store.engine)
    store.create()
    require_present_version(store.engine)
    assert claim(store, study, "me", FOREVER).crash_count == 0
