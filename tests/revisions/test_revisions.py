"""Databases of every schema revision open, show, report and resume, and their evidence is what it was.

How they were made, and by which code, is told in `make_revisions`.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import evidence_numbers
import optuna
import pytest
from slow_cases import mostly_slow

from lrlc_nas.cli import main
from lrlc_nas.report import read_study
from lrlc_nas.signals import ENDING_SIGNALS
from lrlc_nas.store import Store

HERE = Path(__file__).parent
REVISIONS = sorted(path.name.removesuffix(".db.gz") for path in (HERE / "databases").glob("*.db.gz"))
CONFIRMED = [name for name in REVISIONS if name >= "0003"]
OLD_HOSTS = [name for name in REVISIONS if name < "0003"]
"""Until the third revision the package's own host was a module of another class."""

SEARCHES = ("moody", "paper")


class Database:
    """A copy of a database, and the commands that are given to it."""

    def __init__(self, revision: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.revision = revision
        self.path = folder / "studies.db"
        self.path.write_bytes(gzip.decompress((HERE / "databases" / f"{revision}.db.gz").read_bytes()))
        self.expected: dict[str, Any] = json.loads((HERE / "databases" / f"{revision}.json").read_text())
        self.url = f"sqlite:///{self.path}"
        self._capsys = capsys

    def call(self, *arguments: str, code: int = 0) -> str:
        """Run a command in this process; what it says, or its error if one is expected."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["lrlc-nas", *arguments, "--storage", self.url])
            with pytest.raises(SystemExit) as end:
                main()
        said = self._capsys.readouterr()
        assert (end.value.code or 0) == code, said.err
        return said.err if code else said.out

    def train(self, name: str) -> None:
        self.call("worker", name, "--device", "cpu", "--threads", "1")

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as connection:
            return connection.execute(sql, values).fetchall()

    def runs(self, name: str) -> list[tuple[Any, ...]]:
        """All that is known of each run: first whether it has ended, last what its epochs were."""
        columns = {row[1] for row in self.query("PRAGMA table_info(nas_epoch)")}
        value = "accuracy" if "accuracy" in columns else "value"
        number = "number" if "value" in columns else "slot"
        return self.query(
            f"SELECT done, {number}, role, seed, repeat, state, reason, nas_run.value, nas_run.epoch, "
            f"(SELECT group_concat(nas_epoch.{value}) FROM nas_epoch WHERE run_id = nas_run.run_id) "
            "FROM nas_run JOIN nas_study USING (study_id) WHERE name = ? ORDER BY 2, run_id",
            name,
        )

    def numbers(self, name: str) -> dict[str, Any]:
        store = Store(self.url)
        try:
            # Through JSON, as the expected ones: it keeps every digit of a float.
            found: dict[str, Any] = json.loads(json.dumps(evidence_numbers.numbers(read_study(store, name))))
        finally:
            store.engine.dispose()
        return found


@pytest.fixture
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Database]:
    """A copy of the database of a revision, in a folder of its own that commands run in."""
    for name in ("LRLC_NAS_STORAGE", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    yield Database(request.param, tmp_path, capsys)
    for number, handler in handlers.items():
        signal.signal(number, handler)


every = pytest.mark.parametrize("database", REVISIONS, indirect=True)
confirmed = pytest.mark.parametrize("database", mostly_slow(CONFIRMED, CONFIRMED[-1]), indirect=True)
old_hosts = pytest.mark.parametrize("database", OLD_HOSTS, indirect=True)


def test_there_is_one_of_each_revision_so_far() -> None:
    assert {name[:4] for name in REVISIONS} >= {"0001", "0002", "0003", "0004"}


@every
def test_looking_changes_no_byte(database: Database) -> None:
    before = database.path.read_bytes()
    listed = database.call("list")
    for name in SEARCHES:
        assert name in listed
        assert "conv3" in database.call("show", name)
    assert database.call("power", "moody")
    database.call("report", "moody", "-o", "moody.html")
    assert "<html" in Path("moody.html").read_text()
    assert database.path.read_bytes() == before


@every
def test_the_evidence_is_the_same_to_the_last_digit(database: Database) -> None:
    expected = database.expected["now"]
    assert_same({name: database.numbers(name) for name in SEARCHES}, expected)
    database.call("resume", "moody", "--workers", "0")  # which brings the tables forward
    assert_same({name: database.numbers(name) for name in SEARCHES}, expected)


@pytest.mark.parametrize("database", mostly_slow(REVISIONS, REVISIONS[0], REVISIONS[-1]), indirect=True)
def test_a_raised_study_trains_what_is_missing_and_nothing_else(database: Database) -> None:
    before = database.runs("moody")
    ended, total = [run for run in before if run[0]], len(before) + 1
    assert 0 < len(ended) < len(before)
    if database.revision == REVISIONS[1]:  # once with a worker process, which takes long to begin
        database.call("resume", "moody", "--trials", str(total), "--workers", "1", "--device", "cpu")
    else:
        database.call("resume", "moody", "--trials", str(total), "--workers", "0")
        database.train("moody")
    after = database.runs("moody")
    assert [run for run in after if run[1] < len(ended)] == ended
    assert [run[1] for run in after if run[0]] == list(range(total))
    optunas = optuna.load_study(study_name="moody", storage=database.url)
    assert [trial.number for trial in optunas.trials if trial.state.is_finished()] == list(range(total))


@old_hosts
def test_a_study_whose_host_was_another_is_refused_and_says_what_to_do(database: Database) -> None:
    before = database.path.read_bytes()
    error = database.call("resume", "paper", "--trials", "14", code=2)
    assert len(error.splitlines()) == 1
    ((required,),) = database.query("SELECT host_fingerprint FROM nas_study WHERE name = 'paper'")
    assert all(word in error for word in ("'paper'", "paper-cnn", required[:12], "lrlc-nas start", "--name"))
    assert database.path.read_bytes() == before


@confirmed
def test_a_study_of_the_packages_own_host_resumes(database: Database) -> None:
    total = len(database.runs("paper")) + 1
    database.call("resume", "paper", "--trials", str(total), "--workers", "0")
    database.train("paper")
    assert sum(run[0] for run in database.runs("paper")) == total


@confirmed
def test_a_confirmation_is_shown_and_has_its_cards(database: Database) -> None:
    before = database.path.read_bytes()
    claims = database.expected["now"]["moody"]["confirmation"]["claims"]
    shown = database.call("show", confirmation_name(database))
    assert all(label in shown for label in claims)
    database.call("cards", "moody", "-o", "cards")
    cards = {card["claim"]: card for card in map(json.loads, map(Path.read_text, Path("cards").glob("*.json")))}
    assert cards.keys() == claims.keys()
    for label, card in cards.items():
        verdict = claims[label]["verdict"]
        assert card["verdict"] == verdict["outcome"]
        assert_same(card["adjusted_p"], verdict["adjusted_p"])
        assert_same({key: card["effect"][key] for key in verdict["comparison"]}, verdict["comparison"])
    assert database.path.read_bytes() == before


@confirmed
def test_a_confirmation_goes_on_and_takes_more_seeds(database: Database) -> None:
    name, before = confirmation_name(database), database.expected["now"]["moody"]["confirmation"]
    database.call("confirm", "moody", "--workers", "0")
    database.train(name)
    assert all(run[0] for run in database.runs(name))
    database.call("confirm", "moody", "--seeds", str(before["planned"] + 1), "--workers", "0")
    after = database.numbers("moody")["confirmation"]
    assert (after["planned"], after["arms"]) == (before["planned"] + 1, before["arms"])
    assert after["open_runs"] == after["arms"]
    assert after["test"] == before["test"]
    if not before["open_runs"]:
        assert_same(after["claims"], before["claims"])


def assert_same(found: object, expected: object) -> None:
    """All the same, but for what another processor's order of additions does to a last digit."""
    left, right = flat(found), flat(expected)
    assert left.keys() == right.keys()
    assert [(key, left[key], right[key]) for key in left if not is_same(left[key], right[key])] == []


def is_same(found: object, expected: object) -> bool:
    if isinstance(found, float) and isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-12)
    return found == expected


def flat(value: object, path: str = "") -> dict[str, Any]:
    """Each number and word by its path; of what is empty, that it is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inside = {key: each for name, part in items for key, each in flat(part, f"{path}/{name}").items()}
    return inside or {path: None if isinstance(value, (dict, list)) else value}


def confirmation_name(database: Database) -> str:
    store = Store(database.url)
    try:
        confirmation = read_study(store, "moody").confirmation
    finally:
        store.engine.dispose()
    assert confirmation is not None
    return confirmation.study.name
