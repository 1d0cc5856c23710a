"""The wheel is the product: what is in it, how much, and what comes with it."""

import re
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import grimp
import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
MOST_LINES = (
    29_400  # 25,000 before tasks and metrics of the user's own; then items, challenges and the screening's honesty
)
MOST_LINES_OF_A_FILE = 350
PROOF = re.compile(r"^\s*(import|from) (pytest|hypothesis|unittest|tests|studies)\b", re.MULTILINE)
UNWANTED = {"statsmodels", "pandas", "patsy", "formulaic", "pytest", "hypothesis"}


@pytest.fixture(scope="module")
def shipped() -> list[Path]:
    """The files that the builder puts into the wheel."""
    return [ROOT / file.relative_path for file in WheelBuilder(str(ROOT)).recurse_included_files()]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_it_is_the_package_and_nothing_else(shipped: list[Path]) -> None:
    assert {path.relative_to(ROOT).parts[0] for path in shipped} == {"lrlc_nas"}


def test_it_holds_neither_tests_nor_attacks_nor_simulations(shipped: list[Path]) -> None:
    """They lie in the folder tests, which nothing here imports, nor what tests are written with."""
    assert not [path for path in shipped if path.suffix == ".py" and PROOF.search(path.read_text())]


def test_it_is_small(shipped: list[Path]) -> None:
    assert sum(lines(path) for path in shipped if path.suffix == ".py") <= MOST_LINES


def test_no_file_is_long() -> None:
    found = {path: lines(path) for room in ("lrlc_nas", "tests", "studies") for path in (ROOT / room).rglob("*.py")}
    long = {str(path.relative_to(ROOT)): count for path, count in found.items() if count > MOST_LINES_OF_A_FILE}
    assert long == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("lrlc_nas", exclude_type_checking_imports=True, cache_dir=None)
    # It raises an error that names the circle.
    TopologicalSorter({module: graph.find_modules_directly_imported_by(module) for module in graph.modules}).prepare()


def test_what_comes_with_it() -> None:
    """Whatever pip installs beside it, as the installed packages tell."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting, found = [Requirement(line) for line in project["dependencies"]], set()
    while waiting:
        requirement = waiting.pop()
        if requirement.name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found.add(requirement.name)
        try:
            waiting += [Requirement(line) for line in requires(requirement.name) or []]
        except PackageNotFoundError:
            continue  # of another platform
    assert {"torch", "optuna", "numpy"} <= found
    assert found & UNWANTED == set()
