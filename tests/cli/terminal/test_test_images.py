"""What the test images say, for the terminal."""

import io
from datetime import UTC, datetime

from rich.console import Console

from lrlc_nas.cli.terminal.verdicts import print_test
from lrlc_nas.config import ACCURACY
from lrlc_nas.evidence.comparison import compare
from lrlc_nas.store import TestOpening as Opening


def printed(accuracies: dict[str, dict[str, float]]) -> list[str]:
    opened = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    look = Opening(1, opened, {}, {"accuracies": accuracies})
    out = Console(file=io.StringIO(), record=True, width=100)
    print_test(out, look, ACCURACY)
    return [" ".join(line.split()) for line in out.export_text().splitlines()]


def test_each_arm_is_told_against_the_host_pair_by_pair() -> None:
    claim = {"7": 0.84, "3": 0.79, "5": 0.9}
    host = {"3": 0.76, "5": 0.85, "7": 0.8}
    found = compare([84, 79, 90], [80, 76, 85])
    lines = printed({"host": host, "conv3: lc": claim})
    assert lines[0] == "test split opened 2026-01-02 03:04 UTC"
    assert "host 80.33 % 3" in lines
    assert f"conv3: lc 84.33 % 3 +4.00 [{found.low:+.2f}, {found.high:+.2f}]" in lines


def test_one_seed_tells_a_difference_and_no_interval() -> None:
    assert "conv3: lc 84.00 % 1 +4.00" in printed({"host": {"7": 0.8}, "conv3: lc": {"7": 0.84}})
