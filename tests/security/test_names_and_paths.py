"""Names never become paths, and what a study leaves is its owner's alone."""

import json
from pathlib import Path

import pytest
from poison import CONFIG, DATABASE, NAME, call, execute

from lrlc_nas.config import StudyConfig
from lrlc_nas.engine import start_study, study_folder
from lrlc_nas.store import Store
from tests.reliability.poison import contents

NAMES = ("../../x", "/etc/x", "..", "~", "-rf", "C:\\x", "x" * 200)


def rename(folder: Path, name: str) -> None:
    """Give the study another name on both sides of the database."""
    execute(folder, "UPDATE nas_study SET name = ? WHERE name = ?", name, NAME)
    execute(folder, "UPDATE nas_study SET name = ? WHERE name = ?", f"{name}/confirmation", f"{NAME}/confirmation")
    execute(folder, "UPDATE studies SET study_name = ? WHERE study_name = ?", name, NAME)
    execute(
        folder, "UPDATE nas_study SET config = json_set(config, '$.confirmation.of', ?) WHERE name <> ?", name, name
    )


@pytest.mark.parametrize("name", [*NAMES, "a\0b", "\n", ""])
def test_a_report_is_written_in_this_folder(home: Path, name: str) -> None:
    rename(home, name)
    before, outside = contents(home), set(home.parent.iterdir())
    done = call("report", "--", name)
    assert (done.code, done.err) == (0, "")
    (path,) = contents(home).keys() - before.keys()
    assert "/" not in path
    assert path.endswith("-report.html")
    assert len(path) < 120
    assert done.out == f"{home / path}\n"
    assert set(home.parent.iterdir()) == outside


def test_cards_are_written_in_the_folder_that_was_asked_for(home: Path) -> None:
    label = "../../x: lc"
    execute(home, "UPDATE nas_study SET config = json_set(config, '$.confirmation.claims[0].label', ?)", label)
    before, outside = contents(home), set(home.parent.iterdir())
    assert call("cards", NAME, "-o", "cards").code == 0
    assert contents(home).keys() - before.keys() == {"cards/claim-1-x-lc.json", "cards/claim-1-x-lc.md"}
    assert set(home.parent.iterdir()) == outside


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "~"])
def test_the_files_of_a_study_lie_under_its_number(
    tmp_path: Path, modules: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(modules)
    monkeypatch.setenv("SENTINEL", str(tmp_path / "imported"))
    store = Store(f"sqlite:///{tmp_path / DATABASE}")
    study = start_study(store, StudyConfig.model_validate_json(json.dumps(CONFIG | {"name": name})))
    folder = study_folder(store, study.record)
    assert folder.resolve().parent == tmp_path / "lrlc-nas.runs"
    assert folder.name.startswith("study-1-")
    store.engine.dispose()


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\x1b[2J", "\u202ex", " x", "", "x" * 201])
def test_a_name_that_a_terminal_would_not_show_is_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = call("start", f"--name={name}")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: the embedded study: name: ")
    assert list(tmp_path.iterdir()) == []


def test_what_a_study_leaves_is_its_owners_alone(home: Path, trained: Path) -> None:
    """Also where its folders were made by a worker, and whatever the mask of the shell says."""
    runs = trained / "lrlc-nas.runs"
    found = [trained / DATABASE, *runs.rglob("*")]
    assert any(path.suffix == ".pt" for path in found)
    for path in (*found, runs):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
