import pytest
from toy_store import WAITING, add_study, make_store

from lrlc_nas.store import leases


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.dispose()


@pytest.fixture
def study(store):
    """A study of three runs."""
    return add_study(store, [WAITING] * 3)


@pytest.fixture
def later(monkeypatch):
    """A function that sets the clock of the database forward by so many seconds, as leases read it."""

    def forward(seconds):
        now = leases.database_now
        monkeypatch.setattr(leases, "database_now", lambda connection: now(connection) + seconds)

    return forward
