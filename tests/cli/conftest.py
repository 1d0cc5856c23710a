import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command_line import DATABASE, STUDY_FILE, Finished, call

from lrlc_nas.config import load_config
from lrlc_nas.engine import start_study
from lrlc_nas.signals import ENDING_SIGNALS
from lrlc_nas.store import Store


def set_surroundings(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A folder of its own, one thread, and nothing of the caller's environment that changes what is printed."""
    patch.chdir(folder)
    for name in ("LRLC_NAS_STORAGE", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        patch.delenv(name, raising=False)
    patch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    set_surroundings(monkeypatch, tmp_path)
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "small.toml"
    path.write_text(STUDY_FILE)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, study_file: Path) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        set_surroundings(patch, folder)
        return Finished(folder, call("start", str(study_file), "--workers", "1"))


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory, study_file: Path) -> bytes:
    """The database of a study that nobody has trained."""
    path = tmp_path_factory.mktemp("untrained") / DATABASE
    store = Store(f"sqlite:///{path}")
    start_study(store, load_config(study_file))
    with closing(sqlite3.connect(path)) as connection:
        return connection.serialize()  # the file alone may lack what is still in its log
