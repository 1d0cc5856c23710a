import os
import sqlite3
import stat

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from toy_store import FOREVER, WAITING, add_study, make_store

from lrlc_nas.errors import StorageError
from lrlc_nas.store import Store, claim, harden
from lrlc_nas.store.databases.sqlite import SQLite
from lrlc_nas.store.engine import READING, database_now, engine_options
from lrlc_nas.store.worker_id import is_dead, this_process


def test_the_file_is_its_owners_alone(tmp_path, store):
    assert stat.S_IMODE((tmp_path / "studies.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("network", [False, True])
def test_so_are_those_beside_it_whatever_the_mask_says(tmp_path, monkeypatch, mask, network):
    monkeypatch.setattr("lrlc_nas.store.databases.sqlite.is_on_network", lambda _: network)
    before = os.umask(mask)
    try:
        store = make_store(tmp_path)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("DELETE FROM nas_study")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    beside = {"studies.db-journal"} if network else {"studies.db-wal", "studies.db-shm"}
    assert modes == dict.fromkeys({"studies.db", *beside}, 0o600)
    store.engine.dispose()


def test_a_file_that_is_there_keeps_its_mode(tmp_path):
    (tmp_path / "studies.db").touch(mode=0o640)
    (tmp_path / "studies.db").chmod(0o640)
    make_store(tmp_path)
    assert stat.S_IMODE((tmp_path / "studies.db").stat().st_mode) == 0o640


def test_the_clock_of_the_database_runs(store):
    with store.engine.connect() as connection:
        first = database_now(connection)
        later = database_now(connection)
    assert 1.7e9 < first <= later < first + 60


def test_readers_do_not_wait_for_a_writer(tmp_path, store, study):
    writer = sqlite3.connect(tmp_path / "studies.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.names() == ["toy"]
    assert len(store.runs(study)) == 3
    writer.close()


def test_a_transaction_that_may_write_takes_the_lock_before_it_reads(tmp_path, store):
    with store.engine.connect() as connection:
        database_now(connection)
        another = sqlite3.connect(tmp_path / "studies.db", isolation_level=None, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            another.execute("BEGIN IMMEDIATE")
        another.close()


def test_a_reading_connection_takes_no_lock(tmp_path, store):
    with store.engine.connect().execution_options(**{READING: True}) as connection:
        database_now(connection)
        another = sqlite3.connect(tmp_path / "studies.db", isolation_level=None, timeout=0)
        another.execute("BEGIN IMMEDIATE")
        another.close()


def test_a_broken_transaction_leaves_nothing(store):
    study = add_study(store, [WAITING])
    with store.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE nas_run SET done = 1")
        with pytest.raises(OperationalError):
            connection.exec_driver_sql("UPDATE nas_none SET done = 1")
    assert claim(store, study, "me", FOREVER) is not None


def test_the_options_of_one_engine_are_not_those_of_another(tmp_path):
    url = Store(f"sqlite:///{tmp_path}/a.db").url
    engine_options(url)["connect_args"]["timeout"] = 0
    assert engine_options(url)["connect_args"]["timeout"] == 60


def test_a_clock_that_tells_no_time_is_refused(store, study, monkeypatch):
    monkeypatch.setattr(SQLite, "clock", "SELECT NULL")
    with pytest.raises(StorageError, match=r"^storage sqlite:///\S+: the clock of the database tells no time"):
        claim(store, study, "me", 60.0)


def test_this_process_lives():
    assert not is_dead(this_process())


def test_a_process_that_has_ended_is_dead():
    host, _, started = this_process().split("/")
    assert is_dead(f"{host}/{2**22 + 1}/{started}")


def test_a_process_with_a_reused_number_is_dead():
    host, pid, started = this_process().split("/")
    assert is_dead(f"{host}/{pid}/{float(started) + 60}")
    assert not is_dead(f"{host}/{pid}/{float(started) + 1}"), "a clock that was set back a second"


def test_of_another_machine_nothing_is_known():
    _, _, started = this_process().split("/")
    assert not is_dead(f"elsewhere/{2**22 + 1}/{started}")


def test_a_database_that_may_not_be_written_says_so(tmp_path, store, study):
    store.engine.dispose()
    file = f"{(tmp_path / 'studies.db').as_uri()}?immutable=1"  # root may write wherever it likes, but not this
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(file, uri=True), poolclass=NullPool)
    with pytest.raises(StorageError, match="must be writable"), harden(engine).begin() as connection:
        connection.exec_driver_sql("DELETE FROM nas_study")
