import hashlib
import shlex
from pathlib import Path

import pytest
from rich.console import Console

from lrlc_nas.cli.terminal import command, headline, print_end, report_path
from lrlc_nas.engine import OpenStudy


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("embedded", "embedded-report.html"),
        ("a b/c", "a-b-c-DIGEST-report.html"),
        ("../../etc/passwd", "etc-passwd-DIGEST-report.html"),
        (".hidden", "hidden-DIGEST-report.html"),
        ("-o", "o-DIGEST-report.html"),
        ("日本", "study-DIGEST-report.html"),
        ("x" * 200, f"{'x' * 90}-DIGEST-report.html"),
    ],
)
def test_a_name_never_becomes_a_path_as_it_stands(name: str, file: str) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    assert report_path(name) == Path(file.replace("DIGEST", digest))


def test_two_studies_never_share_a_report() -> None:
    names = ["a b", "a/b", "a-b", "a--b", "-a-b", "日", "本", "study", "x" * 90, "x" * 91, "x" * 92]
    assert len({report_path(name) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["embedded", "a b", "it's", "-o", "$(rm x)", "--"])
def test_commands_may_be_pasted_whatever_the_name(name: str) -> None:
    words = shlex.split(command("resume", name, "--trials", "9"))
    assert words[:4] == ["lrlc-nas", "resume", "--trials", "9"]
    assert words[4:] == (["--", name] if name.startswith("-") else [name])


def test_the_headline_says_what_is_about_to_happen(opened: OpenStudy) -> None:
    words = "study [red]x[/red]: paper-cnn on embedded, 2 sites, 9 plans, 6 runs, "
    assert headline(opened, 1) == f"{words}1 worker"
    assert headline(opened, 2) == f"{words}2 workers"


def test_the_end_of_a_study_without_a_complete_run_still_says_what_to_do(
    opened: OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Console(record=True, width=80, file=(tmp_path / "log").open("w"))
    print_end(out, opened.store, "[red]x[/red]", ["--storage", "sqlite:///x.db"])
    out.file.close()
    lines = out.export_text().splitlines()
    assert lines[0] == "6 runs: 6 waiting"
    assert not any(line.startswith("best:") for line in lines)
    assert f"report: {tmp_path / report_path('[red]x[/red]')}" in lines  # in one piece, however long
    assert lines.count("checkpoints on this machine: 0.0 MiB") == 1
    following = [shlex.split(line.split(": ", 1)[1]) for line in lines if line.startswith(("next: ", "also: "))]
    assert [words[1] for words in following] == ["resume", "show", "dashboard"]
    assert all("--storage" in words and "sqlite:///x.db" in words for words in following)


def test_a_total_that_cannot_be_raised_is_not_proposed(
    opened: OpenStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lrlc_nas.cli.terminal.ending.most_trials", lambda *_: 6)
    with (tmp_path / "log").open("w") as log:
        out = Console(record=True, width=80, file=log)
        print_end(out, opened.store, "[red]x[/red]")
    following = [line for line in out.export_text().splitlines() if line.startswith(("next: ", "also: "))]
    assert [line.split()[2] for line in following] == ["show", "dashboard"]
