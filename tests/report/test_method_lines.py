"""How it was done: what is known is told, what is not known is not."""

from datetime import UTC, datetime

from lrlc_nas.report.method_lines import method
from lrlc_nas.store import SiteRecord


def test_what_is_known_is_told(new_study, new_run, new_epochs):
    study = new_study(
        sites=(
            SiteRecord("conv1", {"in_channels": 3, "out_channels": 8, "kernel_size": [3, 3], "output_size": [12, 9]}),
            SiteRecord("conv9", {}),
        ),
        left_out={"conv1": {"lrlc-8": "too large"}},
        refused={"shortcut": "grouped"},
        host_fingerprint="aa",
    )
    run = new_run(
        0,
        {},
        0.8,
        attempt=2,
        facts={"device": "cpu", "audit": 2},
        started=datetime(2026, 1, 1, tzinfo=UTC),
        finished=datetime(2026, 1, 2, tzinfo=UTC),
    )
    told = method(study, [run], {run.run_id: new_epochs(run, [0.5, 0.8])})
    lines = {(group.title, label): text for group in told.groups for label, text in group.lines}

    assert told.sites == (
        ("conv1", "3 → 8 channels, kernel 3 × 3, positions 12 × 9", "conv, lrlc-2, lc"),
        ("conv9", "–", "not searched"),
    )
    assert told.left_out == (("conv1", "lrlc-8", "too large"),)
    assert told.refused == (("shortcut", "grouped"),)
    assert lines["Network", "fingerprint"] == "aa"
    assert lines["Data", "split: search"] == "0.25"
    assert lines["Space", "exclude"] == "none"
    assert lines["Time", "first run started"] == "2026-01-01 00:00:00 UTC"
    assert lines["Time", "training and evaluation, summed over runs"] == "5.0 s"
    assert lines["Time", "runs that were resumed after an interruption"] == "1"
    assert lines["Machines and versions", "torch"] == "2.15.0"
    assert lines["Machines and versions", "device"] == "cpu"
    assert ("Machines and versions", "audit") not in lines
    assert "[host.options]" in told.study_file


def test_what_is_not_known_has_no_line(new_study):
    told = method(new_study(facts={}, sites=()), [], {})
    titles = [group.title for group in told.groups]
    assert titles == ["Network", "Data", "Recipe, the same for every run", "Space", "Search", "Time"]
    assert [label for label, _ in told.groups[-1].lines] == ["study created"]


def test_a_total_that_was_raised_is_raised_again(new_study):
    told = method(new_study(trials=8), [], {})
    assert told.command == "lrlc-nas start study.toml"
    told = method(new_study(trials=20, name="my study"), [], {})
    assert told.command == "lrlc-nas start study.toml && lrlc-nas resume --trials 20 'my study'"
    assert "trials = 8" in told.study_file
