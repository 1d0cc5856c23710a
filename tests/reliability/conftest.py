"""One life that nothing disturbed, which all that were disturbed are compared with."""

from pathlib import Path

import pytest

from tests.reliability.crashes import Reference, live_undisturbed


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reference]:
    """The folder of that life, for reading alone, and what it was."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, live_undisturbed(folder)


@pytest.fixture(scope="session")
def reference(undisturbed: tuple[Path, Reference]) -> Reference:
    return undisturbed[1]
