"""The page on architecture names the rooms that there are, on the floors on which the import contract has them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from lrlc_nas.guide import read_topic

ROOT = Path(__file__).parent.parent.parent
PAGE = read_topic("architecture")
COMING: set[str] = set()
"""What other branches bring; empty when they are merged."""


def floors_of_the_contract() -> list[set[str]]:
    """The rooms of each floor, from the top."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (rooms,) = [each for each in contracts if each["type"] == "layers" and each["containers"] == ["lrlc_nas"]]
    return [set(floor.split(" | ")) for floor in rooms["layers"]]


def floors_of_the_page() -> dict[str, int]:
    rows = re.findall(r"^\| (\d+) \| `([a-z_]+)(?:/|\.py)` \|", PAGE, flags=re.MULTILINE)
    return {room: int(floor) for floor, room in rows}


def test_the_page_names_every_room_and_no_other() -> None:
    assert set(floors_of_the_page()) - COMING == set().union(*floors_of_the_contract()) - COMING


def test_rooms_stand_in_the_order_of_the_contract() -> None:
    page = floors_of_the_page()
    for upper, lower in zip(contract := floors_of_the_contract(), contract[1:], strict=False):
        assert max(page[room] for room in upper) < min(page[room] for room in lower)


def test_the_files_that_are_named_exist() -> None:
    for path in re.findall(r"`([a-z_/]+(?:/|\.py))`", PAGE):
        if not path.startswith(tuple(COMING)):
            assert any((folder / path).exists() for folder in (ROOT, ROOT / "lrlc_nas")), path
