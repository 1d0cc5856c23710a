"""A server that is frozen acknowledges what it is sent and answers nothing: nobody may wait for it for ever."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Timer

import pytest
from optuna.storages import RDBStorage
from slow_cases import mostly_on
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from lrlc_nas.dashboard import open_storage
from lrlc_nas.engine import start_study
from lrlc_nas.search.importances import study_importances
from lrlc_nas.store import Store, databases, engine_options
from lrlc_nas.store.retry import is_outage
from tests.reliability.servers import Server
from tests.reliability.toy import NAME, toy_config

_LIMIT_SECONDS, _FROZEN_SECONDS = 2, 20


@pytest.fixture
def store(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(databases.Server, "silence_seconds", _LIMIT_SECONDS)
    store = Store(url)
    yield store
    store.engine.dispose()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Freeze a server; who waits for its answer gets it after a while, so that a test fails and does not hang."""
    with ExitStack() as frost:
        frost.enter_context(server.frozen())
        thaw = Timer(_FROZEN_SECONDS, frost.close)
        thaw.start()
        yield
        thaw.cancel()


def test_a_server_that_falls_silent_is_given_up_and_taken_again(store, server):
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        with frozen(server), pytest.raises(OperationalError) as caught:
            connection.exec_driver_sql("SELECT 2")
    assert is_outage(caught.value)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 3").scalar_one() == 3


@mostly_on("postgresql")
def test_an_idle_connection_to_a_frozen_server_is_given_up_too(store, server):
    with store.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    with frozen(server), pytest.raises(OperationalError) as caught, store.engine.connect():
        pass
    assert is_outage(caught.value)


@mostly_on("mariadb")
def test_the_dashboard_does_not_wait_for_ever_for_optunas_side(store, server):
    start_study(store, toy_config(2, 1))
    storage = open_storage(store)
    assert [study.study_name for study in storage.get_all_studies()] == [NAME]
    with frozen(server), pytest.raises(Exception) as caught:  # noqa: PT011 - Optuna wraps some of them
        storage.get_all_studies()
    assert is_outage(caught.value)
    assert [study.study_name for study in storage.get_all_studies()] == [NAME]
    storage.engine.dispose()


@mostly_on("mariadb")
def test_nobody_waits_for_ever_while_optunas_side_is_opened(store, server):
    """It asks as it is made, before anybody can attach anything to its engine."""
    start_study(store, toy_config(2, 1))
    make = partial(RDBStorage, engine_kwargs=engine_options(store.url), skip_table_creation=True)
    url = store.url.render_as_string(hide_password=False)
    make(url).engine.dispose()
    with frozen(server), pytest.raises(Exception) as caught:  # noqa: PT011 - Optuna wraps some of them
        make(url)
    assert is_outage(caught.value)
    assert study_importances(store, NAME) == {}


@pytest.mark.parametrize("driver", ["psycopg2", "pg8000"])
def test_other_drivers_connect_for_themselves(driver):
    options = [engine_options(make_url(f"postgresql+{each}://me@host/x")) for each in ("psycopg", driver)]
    assert ["creator" in each for each in options] == [True, False]


def test_an_answer_that_is_long_in_coming_is_no_silence(postgresql, monkeypatch):
    """Rows keep coming for longer than the server may be silent."""
    monkeypatch.setattr(databases.Server, "silence_seconds", 0.5)
    store = Store(postgresql.new_database())
    rows = "SELECT repeat('x', 65536), pg_sleep(0.1) FROM generate_series(1, 20)"
    with store.engine.connect() as connection:
        assert len(connection.exec_driver_sql(rows).all()) == 20
    store.engine.dispose()


def test_a_call_without_an_answer_is_given_up_while_the_server_lives(postgresql, monkeypatch):
    monkeypatch.setattr(databases.Server, "silence_seconds", 0.5)
    store = Store(postgresql.new_database())
    with pytest.raises(OperationalError, match="silent for"), store.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(60)")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    store.engine.dispose()
