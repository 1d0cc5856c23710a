"""`lrlc-nas bench faults`: what it says, writes and refuses."""

import json
import sys

import pytest

from lrlc_nas import cli
from lrlc_nas.benchmarks.faults import Extent, programme, run_faults
from lrlc_nas.benchmarks.faults.crashes import Crash
from lrlc_nas.benchmarks.faults.findings import Finding
from lrlc_nas.errors import InputError, LrlcNasError


GOOD = Finding("storm", "40/40", "40/40", True, 12.3)
BAD = Finding("race", "20", "21", False)


@pytest.fixture
def findings(monkeypatch):
    found = [GOOD]
    monkeypatch.setattr(programme, "find", lambda extent: iter(found))
    return found


def test_it_says_and_writes_what_it_found(findings, tmp_path):
    said = []
    run_faults(said.append, json=tmp_path / "found.json")
    assert said[0] == "met: storm: 40/40"
    assert "SQLite" in said[1]
    assert "| storm | 40/40 | 40/40 | met | 12 |" in said[1]
    written = json.loads((tmp_path / "found.json").read_text())
    assert [Finding(**each) for each in written["findings"]] == [GOOD]


def test_a_promise_that_does_not_hold_is_an_error(findings, tmp_path):
    findings.append(BAD)
    said = []
    with pytest.raises(LrlcNasError, match=r"promises that do not hold: race$"):
        run_faults(said.append, json=tmp_path / "found.json")
    assert "| race | 20 | 21 | NOT MET | 0 |" in said[-1]
    assert len(json.loads((tmp_path / "found.json").read_text())["findings"]) == 2


def test_a_file_that_cannot_be_written_is_refused_first(findings, tmp_path):
    with pytest.raises(InputError, match=r"--json must name a file in a folder that exists; got '.*x\.json'"):
        run_faults(pytest.fail, json=tmp_path / "missing" / "x.json")


def test_the_command(findings, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lrlc-nas", "bench", "faults", "--quick"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (0, None)
    assert "| storm |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("crashes", "met", "seen"),
    [
        ([Crash("a", True, 0, ()), Crash("b", False, 0, ())], True, "1 of 1"),
        ([Crash("a", True, -1, ())], True, "1 of 1"),
        ([Crash("a", True, 1, ())], False, "0 of 1; a: "),
        ([Crash("a", True, 0, ("lost",)), Crash("b", True, 0, ())], False, "1 of 2; a: lost"),
        ([Crash("b", False, 0, ())], False, "0 of 0"),
        ([], False, "0 of 0"),
    ],
)
def test_crashes_are_summed_up(crashes, met, seen):
    finding = programme._of_crashes("crashes", crashes, complete=True)
    assert (finding.met, finding.seen) == (met, seen)


def test_all_parts_hold_in_a_small_extent(monkeypatch):
    """The command itself, with as little trouble as it can make."""
    extent = Extent(False, 1, 2, (4, 0, 0), (2,), (2, 12), 1)
    monkeypatch.setattr(programme, "train_points", lambda: ["claim.stored"])
    monkeypatch.setattr(programme, "_supervision", lambda folder: GOOD)
    found = list(programme.find(extent))
    assert [finding for finding in found if not finding.met] == []
    assert len(found) == 12
