"""The way from a script that trains to a study is short, and the guide shows it as it is."""

import runpy
from pathlib import Path

import pytest
from changed_lines import PAGE, STRANGERS, changes, page

PLAIN = Path(__file__).parent / "plain"


@pytest.mark.parametrize("name", STRANGERS)
def test_at_most_fifteen_lines_come(name: str) -> None:
    assert 0 < sum(line.startswith("+") for line in changes(name)) <= 15


def test_the_guide_shows_them_as_they_are() -> None:
    assert PAGE.read_text() == page()
    assert PAGE.read_text().count("+import lrlc_nas\n") == len(STRANGERS)


@pytest.mark.parametrize("name", ["segmentation", pytest.param("rotation", marks=pytest.mark.slow)])
def test_the_script_trains(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(PLAIN / f"plain_{name}.py"))
    assert len(capsys.readouterr().out.splitlines()) == 8
