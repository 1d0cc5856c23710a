"""Fixtures of toy studies, for the `conftest.py` of whoever wants them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import toy_study

from lrlc_nas.engine import OpenStudy, open_study, start_study
from lrlc_nas.store import Store, sqlite_path

__all__ = ["one_thread", "started_study", "store", "study", "uninterrupted"]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """The bits of a run depend on the number of threads, also those of the runs that a whole session shares."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A study database that is not there yet, in a folder of its own."""
    (tmp_path / "store").mkdir()
    store = Store(f"sqlite:///{tmp_path}/store/studies.db")
    yield store
    store.engine.dispose()


@pytest.fixture(scope="session")
def started_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("started") / "studies.db"
    store = Store(f"sqlite:///{path}")
    start_study(store, toy_study.config())
    store.engine.dispose()
    return path


@pytest.fixture
def study(store: Store, started_study: Path) -> OpenStudy:
    """The toy study in `store`, with all its runs waiting; a copy, because starting it takes a while."""
    shutil.copy(started_study, sqlite_path(store.url))
    return open_study(store, "toy")


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The toy study, trained by one worker without a break. For reading alone."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('uninterrupted')}/studies.db")
    start_study(store, toy_study.config())
    toy_study.work(store)
    return store
