import pytest
from toy_dashboard import HOSTILE, add_study, client_of, opened


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A database with three studies, one of them hostile and one that confirms another; no test may change it."""
    with opened(tmp_path_factory.mktemp("dashboard") / "study.db") as store:
        search = add_study(store, "first")
        add_study(store, HOSTILE, sites=("conv1", "<b>conv</b>$x$"))
        add_study(store, "first/confirmation", ended=2, confirms=search)
        yield store


@pytest.fixture(scope="module")
def client(store):
    """A client that has entered."""
    with client_of(store) as client:
        yield client
