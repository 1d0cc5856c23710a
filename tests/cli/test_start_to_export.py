"""The way of a user: start, look, report, go on, export."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import DATABASE, TRIALS, Finished, call, optuna_states, query, story

from lrlc_nas.cli.terminal import report_path
from lrlc_nas.config import load_config
from lrlc_nas.engine import start_study
from lrlc_nas.store import Store


@pytest.fixture
def here(tmp_path: Path, finished: Finished) -> Path:
    """A copy of the finished study in the current folder."""
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_start_ends_with_effects_the_report_and_the_next_commands(finished: Finished) -> None:
    folder, done = finished.folder, finished.done
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("note: every run is trained to its end")
    assert f"[{TRIALS}/{TRIALS}] run {TRIALS - 1} " in done.out
    assert "effect against conv, points of search accuracy [95 % interval]" in done.out
    for site in ("conv1", "conv2", "conv3"):
        assert f"\n {site} " in done.out
    report = folder / "small-report.html"
    assert f"report: {report}\n" in done.out
    assert report.read_text().startswith("<!DOCTYPE html>")
    lines = [line.split(": ", 1) for line in done.out.splitlines() if line.startswith(("next: ", "also: "))]
    confirm, resume = "lrlc-nas confirm small", f"lrlc-nas resume --trials {TRIALS + 10} small"
    following = [command for word, command in lines if word == "next"]
    others = {command for word, command in lines if word == "also"}
    assert following in ([confirm], [resume]), "the one step that the screening supports"
    more = {"lrlc-nas show small", "lrlc-nas export -o best small", "lrlc-nas dashboard"}
    assert others == more | ({resume} if following == [confirm] else set())


def test_without_workers_a_study_is_created_and_waits(tmp_path: Path, study_file: Path) -> None:
    done = call("start", str(study_file), "--workers", "0")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("train it with: lrlc-nas worker small\n")
    assert query(tmp_path, "SELECT DISTINCT state FROM nas_run") == [("waiting",)]


def test_nothing_but_the_database_its_runs_and_the_report_is_written(finished: Finished) -> None:
    names = {path.name for path in finished.folder.iterdir()}
    names -= {f"{DATABASE}-wal", f"{DATABASE}-shm"}  # there while SQLite has readers
    assert names == {DATABASE, "lrlc-nas.runs", "small-report.html"}
    assert (finished.folder / DATABASE).stat().st_mode & 0o077 == 0


def test_list_and_show(here: Path) -> None:
    listed, shown = call("list"), call("show", "small")
    assert listed.code == shown.code == 0
    assert f"{TRIALS}/{TRIALS}" in listed.out
    states = query(here, "SELECT state, count(*) FROM nas_run GROUP BY state ORDER BY state")
    counts = ", ".join(f"{number} {state}" for state, number in states)
    assert f"small: paper-cnn on embedded; {TRIALS} runs: {counts}\n" in shown.out
    rows = [line for line in shown.out.splitlines() if line.split()[:2] == ["0", "host"]]
    assert len(rows) == 1


def test_list_of_nothing_writes_nothing(tmp_path: Path) -> None:
    done = call("list")
    assert (done.code, done.err) == (0, "")
    assert done.out == "no study in sqlite:///lrlc-nas.db; 'lrlc-nas start' makes one\n"
    assert not list(tmp_path.iterdir())


def test_report_goes_where_it_is_told(here: Path) -> None:
    done = call("report", "small", "-o", "other.html")
    assert (done.code, done.out) == (0, f"{here / 'other.html'}\n")
    assert (here / "other.html").stat().st_size > 1_000_000  # plotly is inside


@pytest.mark.usefixtures("here")
def test_the_exported_network_rebuilds_itself(tmp_path: Path) -> None:
    done = call("export", "small", "-o", "best")
    assert done.code == 0
    best = query(tmp_path, "SELECT number FROM nas_run WHERE state = 'complete' ORDER BY value DESC, number")[0][0]
    assert done.out.startswith(f"run {best} (")
    assert json.loads((tmp_path / "best/plan.json").read_text())["run"] == best
    check = subprocess.run([sys.executable, "best/network.py"], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.usefixtures("here")
def test_resume_of_a_finished_study_says_so(tmp_path: Path) -> None:
    before = story(tmp_path)
    done = call("resume", "small")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"study small: all {TRIALS} runs have ended; --trials raises the total\n")
    assert "next: " in done.out
    assert story(tmp_path) == before


def test_resume_from_another_folder_raises_the_total(
    here: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = story(here)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    url = f"sqlite:///{here / DATABASE}"
    done = call("resume", "small", "--trials", str(TRIALS + 1), "--storage", url)
    assert (done.code, done.err) == (0, "")
    assert sum(optuna_states(here).values()) == TRIALS + 1
    assert set(before) < set(story(here))  # what had ended stands as it was
    assert {path.name for path in elsewhere.iterdir()} == {"small-report.html"}
    assert f"also: lrlc-nas show --storage {url} small\n" in done.out


def test_overrides_options_and_environment_meet_in_one_study(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRLC_NAS_STORAGE", "sqlite:///elsewhere.db")
    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.done", lambda _: True)  # trains nothing
    done = call("start", str(study_file), "--name", 'a "b" c', "--trials", "5", "--set", "search.host_repeats=2")
    assert (done.code, done.err) == (0, "")
    study = Store("sqlite:///elsewhere.db").study('a "b" c')
    assert study.trials == study.config.budget.trials == 5
    assert study.config.search.host_repeats == 2
    assert study.config.host.options["channels"] == 4
    assert (tmp_path / report_path('a "b" c')).exists()
    assert "also: lrlc-nas show 'a \"b\" c'\n" in done.out


def test_start_without_arguments_is_the_embedded_study_in_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.done", lambda _: True)  # trains nothing
    assert call("start").code == 0
    study = Store(f"sqlite:///{tmp_path / DATABASE}").study("embedded")
    assert study.config == load_config().with_absolute_paths()


def test_sites_prints_costs_and_reasons_and_writes_nothing(tmp_path: Path) -> None:
    done = call("sites", "--set", "space.max_parameters=40", "--set", "space.exclude=['conv3']")
    assert (done.code, done.err) == (0, "")
    rows = [line.split() for line in done.out.splitlines()]
    assert ["conv1", "conv", "144", "24,336", "0.7", "MiB", "yes"] in rows
    assert "1→16 3x3 at 13x13" in done.out
    assert "+562" in done.out
    (too_much,) = [line for line in done.out.splitlines() if "+278,416" in line]
    assert too_much.rstrip().endswith("x the host's parameters; the limit is 40")
    assert done.out.count("no: space.sites leaves it out") == 2  # each choice at conv3
    assert not list(tmp_path.iterdir())


def test_sites_names_the_convolutions_that_cannot_be_relaxed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_host.py").write_text(
        "from torch import nn\n"
        "def build(channels, classes, size):\n"
        "    unused = nn.Conv2d(3, 3, 3)\n"
        "    body = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        "    return Host(body, nn.Linear(4, classes), unused)\n"
        "class Host(nn.Module):\n"
        "    def __init__(self, body, head, unused):\n"
        "        super().__init__()\n"
        "        self.body, self.head, self.unused = body, head, unused\n"
        "    def forward(self, x):\n"
        "        return self.head(self.body(x))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    done = call("sites", "--set", "host.name=own_host:build")
    assert (done.code, done.err) == (0, "")
    assert "\n body.0 " in done.out
    (refused,) = [line for line in done.out.splitlines() if line.startswith("not a site: ")]
    assert refused.startswith("not a site: unused: ")


@pytest.mark.slow  # as test_exit_codes.py
def test_a_study_that_keeps_failing_stops_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad_host.py").write_text(
        "from torch import nn\n"
        "class Host(nn.Module):\n"
        "    def __init__(self, channels, classes):\n"
        "        super().__init__()\n"
        "        self.conv, self.head = nn.Conv2d(channels, 4, 3), nn.Linear(4, classes)\n"
        "    def forward(self, x):\n"
        "        if len(x) > 2:\n"
        "            raise ValueError('no batches today')\n"
        "        return self.head(self.conv(x).mean((2, 3)))\n"
        "def build(channels, classes, size):\n"
        "    return Host(channels, classes)\n"
    )
    small = ["host.name=bad_host:build", "host.options={}", "data.split.train=100", "data.split.search=100"]
    small += ["data.split.train=100", "data.split.search=100"]
    sets = [word for value in (*small, "budget.trials=5") for word in ("--set", value)]
    done = call("start", *sets)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert done.err.startswith("Error: study 'embedded': ")
    assert "ValueError: no batches today" in done.err


def test_workers_that_keep_dying_stop_the_study_with_one_line(
    study_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrlc_nas.engine.launchers.local.sys.executable", shutil.which("false"))
    done = call("start", str(study_file), "--workers", "1")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert done.err.startswith("Error: workers died 6 times and nothing came of it; the last: exit code 1: no message")


def test_resume_refuses_changed_data_before_it_creates_a_trial(tmp_path: Path) -> None:
    from PIL import Image

    for label in ("left", "right"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for index in range(20):
            colour = (index * 5, 0, 255 * (label == "left"))
            Image.new("RGB", (12, 12), colour).save(tmp_path / "images" / label / f"{index}.png")
    sets = ("data.name=imagefolder:images", "data.size=12", "recipe.batch_size=4", "budget.trials=5")
    store = Store(f"sqlite:///{DATABASE}")
    start_study(store, load_config(None, [*sets, "host.options={channels=4}"]))
    before = optuna_states(tmp_path)
    Image.new("RGB", (12, 12), (1, 2, 3)).save(tmp_path / "images/left/0.png")
    done = call("resume", "embedded", "--trials", "7")
    assert done.code == 2
    assert done.err.startswith("Error: study 'embedded' cannot be resumed: the data differ from what it recorded")
    assert done.err.count("\n") == 1
    assert optuna_states(tmp_path) == before
    assert store.study("embedded").trials == 5


def test_resume_refuses_a_changed_host_and_names_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = (
        "from torch import nn\n"
        "def build(channels, classes, size):\n"
        "    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes)]\n"
        "    return nn.Sequential(nn.Conv2d(channels, 4, KERNEL), *pool)\n"
    )
    module = tmp_path / "changing_host.py"
    module.write_text(f"KERNEL = 3\n{host}")
    monkeypatch.syspath_prepend(str(tmp_path))
    sets = (
        "host.name=changing_host:build",
        "host.options={}",
        "space.choices=['lrlc-2']",
        "search.host_repeats=3",
        "budget.trials=4",
    )
    start_study(Store(f"sqlite:///{DATABASE}"), load_config(None, sets))
    module.write_text(f"KERNEL = 5 # changed\n{host}")
    monkeypatch.delitem(sys.modules, "changing_host")
    done = call("resume", "embedded")
    assert done.code == 2
    assert "the host changing_host:build differs from what it recorded: at 0 it was {" in done.err
    assert "'kernel_size': [3, 3]" in done.err
    assert "'kernel_size': [5, 5]" in done.err
    assert done.err.count("\n") == 1


def test_python_dash_m_is_the_same_command() -> None:
    words = [sys.executable, "-m", "lrlc_nas", "--version"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "lrlc-nas 0.1.0\n"


def test_resuming_with_other_software_is_told_and_goes_on(
    study_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "other software" not in call("start", str(study_file), "--workers", "0").out
    monkeypatch.setattr("lrlc_nas.engine.compatibility.version", lambda name: "99.0")
    done = call("resume", "small", "--workers", "0")
    assert done.code == 0
    assert re.search(r"^note: this study was begun with other software: lrlc_nas \S+, now 99\.0", done.out, re.M)
