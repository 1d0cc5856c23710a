"""Servers of this session's own, and one life on SQLite that all on servers are compared with."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lrlc_nas.store import Store
from tests.reliability.crashes import Reference, live_undisturbed
from tests.reliability.places import ServerPlace
from tests.reliability.servers import MariaDB, PostgreSQL, Server, running


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """The bits of a run depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def started(kind: type[Server]) -> Iterator[Server]:
    if lacking := kind.lacking():
        pytest.skip(lacking)
    with running(kind) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    yield from started(PostgreSQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    yield from started(MariaDB)


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each kind of server."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def place(server: Server) -> ServerPlace:
    return ServerPlace(server)


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
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A life on SQLite that nothing disturbed."""
    return live_undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def reference(on_sqlite: Reference, place: ServerPlace) -> Reference:
    """The same life, for those on a server to be compared with."""
    return replace(on_sqlite, place=place)
