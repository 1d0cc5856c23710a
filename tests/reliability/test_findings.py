"""`python -m tests.reliability`: what it says, writes and refuses."""

import json

import pytest

from lrlc_nas.errors import InputError, LrlcNasError
from tests.reliability import parts, programme, servers
from tests.reliability.__main__ import main
from tests.reliability.crashes import Crash, Reference
from tests.reliability.damage import KINDS
from tests.reliability.findings import Finding
from tests.reliability.hostile import STRANGERS
from tests.reliability.outages import Outage
from tests.reliability.places import PLACES, chosen_places
from tests.reliability.places import SQLITE as SQLITE_PLACE
from tests.reliability.programme import Extent, run_faults
from tests.reliability.races import Race
from tests.reliability.shortage import MOMENTS

GOOD = Finding("SQLite", "storm", 13, 1, 1, "40/40", True, 12.3)
BAD = Finding("SQLite", "race", 2, 1, 0, "21", False)
SQLITE = ("sqlite",)


@pytest.fixture
def findings(monkeypatch):
    found = [GOOD]
    monkeypatch.setattr(programme, "find", lambda extent, place: iter(found))
    return found


def test_it_says_and_writes_what_it_found(findings, tmp_path):
    said = []
    run_faults(said.append, on=SQLITE, json=tmp_path / "found.json")
    assert said[0] == "met: SQLite: storm: happened 13, held 1 of 1; 40/40 (12 s)"
    assert "| SQLite | storm | 13 | 1 of 1 | 40/40 | met | 12 |" in said[1]
    assert "; SQLite in 0 s\n" in said[1]
    written = json.loads((tmp_path / "found.json").read_text())
    assert [Finding(**each) for each in written["findings"]] == [GOOD]
    assert "torch" in written["machine"]


def test_a_promise_that_does_not_hold_is_an_error(findings, tmp_path):
    findings.append(BAD)
    said = []
    with pytest.raises(LrlcNasError, match=r"promises that do not hold: race on SQLite$"):
        run_faults(said.append, on=SQLITE, json=tmp_path / "found.json")
    assert "| SQLite | race | 2 | 0 of 1 | 21 | NOT MET | 0 |" in said[-1]
    assert len(json.loads((tmp_path / "found.json").read_text())["findings"]) == 2


def test_a_file_that_cannot_be_written_is_refused_first(findings, tmp_path):
    with pytest.raises(InputError, match=r"--json must name a file in a folder that exists; got '.*x\.json'"):
        run_faults(pytest.fail, json=tmp_path / "missing" / "x.json")


def test_the_command(findings, monkeypatch, capsys):
    assert main(["--quick", "--on", "sqlite"]) == 0
    assert "| storm |" in capsys.readouterr().out


def test_the_command_ends_with_an_error_where_a_promise_does_not_hold(findings, monkeypatch, capsys):
    findings.append(BAD)
    assert main(["--on", "sqlite"]) == 1
    assert capsys.readouterr().err == "Error: promises that do not hold: race on SQLite\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("oracle", "--on must be one of sqlite, postgresql, mariadb; got 'oracle'"),
        ("postgresql", "--on postgresql: PostgreSQL is not installed (Debian: apt-get install postgresql)"),
        ("mariadb", "--on mariadb: MariaDB is not installed (Debian: apt-get install mariadb-server)"),
    ],
)
def test_a_database_that_is_not_there_is_refused(findings, monkeypatch, capsys, name, message):
    without_servers(monkeypatch)
    assert main(["--on", "sqlite", "--on", name]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"Error: {message}\n")


def without_servers(monkeypatch):
    monkeypatch.setattr(servers, "_postgresql", lambda tool: "")
    monkeypatch.setattr(servers, "_mariadb", lambda tool: "")


def test_the_databases_by_default_are_those_that_are_there(monkeypatch):
    for kind in servers.SERVERS.values():
        monkeypatch.setattr(kind, "lacking", classmethod(lambda cls: ""))
    assert chosen_places([]) == list(PLACES)
    monkeypatch.setattr(servers.MariaDB, "lacking", classmethod(lambda cls: "it is not installed"))
    assert chosen_places([]) == ["sqlite", "postgresql"]
    assert chosen_places(["postgresql", "sqlite", "postgresql"]) == ["postgresql", "sqlite"]


@pytest.mark.parametrize(
    ("crashes", "met", "held", "seen"),
    [
        ([Crash("a", True, 0, ()), Crash("b", False, 0, ())], True, (1, 1), "all ended as if undisturbed"),
        ([Crash("a", True, -1, ())], True, (1, 1), "all ended as if undisturbed"),
        ([Crash("a", True, 1, ())], False, (0, 1), "a: 1 epochs were trained again"),
        ([Crash("a", True, 0, ("lost",)), Crash("b", True, 0, ())], False, (1, 2), "a: lost"),
        ([Crash("b", False, 0, ())], False, (0, 0), "all ended as if undisturbed"),
        ([], False, (0, 0), "all ended as if undisturbed"),
    ],
)
def test_crashes_are_summed_up(crashes, met, held, seen):
    finding = parts._of_crashes("SQLite", "crashes", crashes, complete=True)
    assert (finding.met, (finding.held, finding.happened), finding.seen) == (met, held, seen)


@pytest.mark.parametrize(
    ("outage", "met"), [(Outage(2, ()), True), (Outage(1, ()), False), (Outage(2, ("lost",)), False)]
)
def test_outages_that_did_not_happen_show_nothing(outage, met):
    assert parts._of_outage(servers.MariaDB, "cuts", outage, 2).met is met


@pytest.mark.parametrize(("happened", "met"), [((True, True), True), ((True, False), False)])
def test_every_other_action_has_to_happen(monkeypatch, tmp_path, happened, met):
    done = [Crash(str(number), each, 0, ()) for number, each in enumerate(happened)]
    monkeypatch.setattr(parts, "crash_otherwise", lambda folder, reference: done)
    reference = Reference((), {}, {}, 1.0, SQLITE_PLACE)
    assert parts.actions(reference, tmp_path).met is met


@pytest.mark.parametrize(
    ("race", "met"), [(Race(2, 4, 4, 2, ()), True), (Race(2, 4, 4, 1, ()), False), (Race(2, 4, 5, 2, ()), False)]
)
def test_nobody_races_alone(race, met):
    assert parts._of_race(SQLITE_PLACE, "race", race).met is met


@pytest.mark.slow  # each part has a test of its own
def test_all_parts_hold_in_a_small_extent(monkeypatch):
    """The command itself, with as little trouble as it can make."""
    extent = Extent("the first passage", 1, 2, (4, 0, 0), (2,), (2, 12), 1)
    monkeypatch.setattr(parts, "train_points", lambda: ["claim.stored"])
    monkeypatch.setattr("tests.reliability.everywhere.train_points", lambda: ["claim.stored"])
    monkeypatch.setattr(parts, "supervision", lambda place, folder: GOOD)
    found = list(programme.find(extent))
    assert [finding for finding in found if not finding.met] == []
    assert len(found) == 10 + len(KINDS) + len(STRANGERS) + len(MOMENTS)
