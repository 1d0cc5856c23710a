from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from database_servers import MariaDB, PostgreSQL, Server, running
from server_lives import begin

from lrlc_nas.benchmarks.faults.toy import NAME
from lrlc_nas.store import Store
from lrlc_nas.study import Worker, open_study


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """The bits of a run depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with running(PostgreSQL) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    with running(MariaDB) as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each kind of server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def url(server: Server) -> str:
    """A database of its own for each test."""
    return server.new_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.engine.dispose()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of studies on a server lie in the current folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The toy study on SQLite, trained by one worker without a break. For reading alone."""
    store = begin(Store(f"sqlite:///{tmp_path_factory.mktemp('undisturbed')}/studies.db"))
    study = open_study(store, NAME)
    Worker(store, study.record, study.prepared, device="cpu").work()
    return store
