import pytest
from toy_store import WAITING, add_study, make_store


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.dispose()


@pytest.fixture
def study(store):
    """A study of three runs."""
    return add_study(store, [WAITING] * 3)
