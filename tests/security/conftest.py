import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from poison import CONFIG, DATABASE, NAME, SHY, forget_module, train, work

from lrlc_nas.choices import Plan
from lrlc_nas.engine.confirmation_runs import start_confirmation


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are faster so, and the same each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the module that tells when it is imported."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "shy_module.py").write_text(SHY)
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, modules: Path) -> Path:
    """The folder of a study that was trained and confirmed. For reading alone."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(modules)
        patch.setenv("SENTINEL", str(folder / "imported"))
        patch.chdir(folder)
        store = train(folder, CONFIG)
        claims = {"first: lc": Plan.of({"first": "lc"})}
        start_confirmation(store, NAME, claims, seeds=2, smallest_effect=0.3)
        work(store, f"{NAME}/confirmation")
        store.engine.dispose()
    return folder


@pytest.fixture
def home(tmp_path: Path, trained: Path, modules: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a copy of that study; nobody has imported its module yet."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(trained / DATABASE, folder)
    shutil.copytree(trained / f"{Path(DATABASE).stem}.runs", folder / f"{Path(DATABASE).stem}.runs")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("SENTINEL", str(tmp_path / "imported"))
    for name in ("LRLC_NAS_STORAGE", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    forget_module()
    yield folder
    forget_module()


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """What is there once somebody has imported the module, or a bomb went off."""
    return tmp_path / "imported"
