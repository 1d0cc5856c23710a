"""What the user gets wrong: exit code 2, one line that helps, no traceback, and nothing written."""

import hashlib
import importlib.util
import re
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import DATABASE, Done, Finished, call, run
from PIL import Image
from slow_cases import mostly_slow


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def began(*_: object) -> None:
        raise AssertionError("what had to be refused began to train")

    monkeypatch.setattr("lrlc_nas.engine.launchers.LocalWorkers.run", began)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is taken but not listened to: connecting to it is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def contents(folder: Path) -> dict[str, str]:
    """Each file and its digest, but for the two empty-handed files that a reader of SQLite keeps open."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
        if not path.name.endswith("-shm") and not (path.name.endswith("-wal") and path.stat().st_size == 0)
    }


def assert_refused(done: Done, message: str) -> None:
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("Error: ")
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")
    assert re.search(message, done.err), done.err


def make_images(folder: Path, **numbers: int) -> None:
    for label, number in numbers.items():
        (folder / label).mkdir(parents=True)
        for index in range(number):
            Image.new("L", (12, 12), index).save(folder / label / f"{index}.png")


STUDY_FILES = {
    "missing": ("start none.toml", r"cannot read the study file none\.toml: No such file"),
    "folder": ("start folder", r"cannot read the study file folder: Is a directory"),
    "not-toml": ("start not.toml", r"not\.toml: not TOML: .*line 1"),
    "not-text": ("start bytes.toml", r"bytes\.toml: not TOML: .*decode"),
    "unknown-key": ("start unknown.toml", r"unknown key 'epoch' in recipe; did you mean epochs\?.* batch_size"),
    "unknown-section": ("sites section.toml", r"unknown key 'trainig' in the top level.*Known keys: .*recipe"),
    "wrong-type": ("start type.toml", r"type\.toml: .*epochs.*'ten'"),
}

SETTINGS = {
    "below-range": ("recipe.epochs=0", r"recipe\.?.*epochs.* 0"),
    "no-number": ("recipe.learning_rate=nan", r"learning_rate"),
    "no-word": ("recipe.optimizer=best", r"optimizer.*best"),
    "share-of-all": ("data.split.search=1.5", r"data\.split.*search.*1\.5"),
    "no-setting": ("recipe.epochs", r"--set 'recipe.epochs': required is section\.key=value"),
    "value-as-section": ("name.first=x", r"(?s)name"),
    "host": ("host.name=lenet", r"host.*lenet"),
    "torchvision-host": ("host.name=torchvision:resnet19", r"resnet19.*did you mean|resnet19"),
    "host-module": ("host.name=no_such_module:build", r"cannot import 'no_such_module'"),
    "host-option": ("host.options={channel=4}", r"channel"),
    "data": ("data.name=imagenet", r"imagenet"),
    "choice": ("space.choices=['lrlc-2','huge']", r"space\.choices.*'huge'"),
    "rank": ("space.choices=['lrlc-0']", r"space\.choices.*lrlc-0"),
    "site-pattern": ("space.sites=['layer9.*']", r"space\.sites: pattern 'layer9\.\*' matches no site.* conv1"),
    "exclude-pattern": ("space.exclude=['x']", r"space\.exclude: pattern 'x' matches no site"),
    "everything-excluded": ("space.exclude=['*']", r"space"),
    "batch": ("recipe.batch_size=100000", r"recipe\.batch_size must be at most the \d+ images .*got 100000"),
    "pad": ("recipe.pad=28", r"recipe\.pad must be less than the side of an image, 28x28; got 28"),
    "huge-images": ("data.size=1000000", r"data\.size: so much does not fit into the memory"),
    "huge-host": ("host.options={channels=1000000}", r"host\.options: so much does not fit into the memory"),
    "budget-too-small": ("budget.trials=1", r"budget\.trials must be above search\.host_repeats"),
    "budget-too-large": ("budget.trials=1000", r"budget\.trials: the space holds 9 plans.*got 1000"),
    "split-too-large": ("data.split.search=1000000", r"search"),
    "no-images": ("data.name=imagefolder:empty", r"empty"),
    "no-folder": ("data.name=imagefolder:nowhere", r"nowhere"),
    "one-class": ("data.name=imagefolder:single", r"single.*(class|classes)"),
    "unreadable-image": ("data.name=imagefolder:broken", r"broken/b/0\.png"),
    "name": ("name=''", r"name"),
}

TOGETHER = {
    "fewer-images-than-classes": (
        ("data.split.train=5", "recipe.batch_size=2"),
        r"data\.split must leave at least one image of each of the 10 classes.*leaves 5",
    ),
    "two-outputs": (
        ("host.name=untrainable_hosts:two_outputs", "host.options={}"),
        r"logits of shape \(2, 10\) in training as well, but gave tuple",
    ),
    "frozen-host": (
        ("host.name=untrainable_hosts:frozen", "host.options={}"),
        r"none of its parameters can be trained",
    ),
}

STORAGES = {
    "malformed": ("nonsense", r"storage: not a database URL"),
    "two-slashes": ("sqlite://lrlc.db", r"SQLite needs a file"),
    "in-memory": ("sqlite:///:memory:", r"SQLite needs a file"),
    "directory": ("sqlite:///folder", r"folder is a directory"),
    "no-folder": ("sqlite:///nowhere/x.db", r"the folder nowhere does not exist"),
    "not-a-database": ("sqlite:///not.toml", r"not\.toml is not a SQLite database"),
    "kind": ("oracle://me:canary@127.0.0.1/x", r"sqlite.*postgresql.*got oracle"),
    "unknown-driver": ("postgresql+magic://me:canary@127.0.0.1/x", r"unknown driver magic"),
    "postgresql": ("postgresql://me:canary@127.0.0.1:{port}/x", r"does not answer.*refused"),
    "mysql": ("mysql://me:canary@127.0.0.1:{port}/x", r"does not answer.*refused"),
}

NAMES = {
    "start-taken": ("start --name small", r"study 'small' exists already.*lrlc-nas resume.*--name"),
    "resume": ("resume other", r"no study 'other' in sqlite:///lrlc-nas\.db; it holds small"),
    "show": ("show other", r"no study 'other'"),
    "report": ("report other", r"no study 'other'"),
    "export": ("export other -o best", r"no study 'other'"),
    "worker": ("worker other", r"no study 'other'"),
    "resume-lower": ("resume small --trials 3", r"--trials is the total and can only be raised.* has 8; got 3"),
    "resume-higher": ("resume small --trials 999", r"--trials: the space of study 'small' holds at most \d+ runs"),
    "report-folder": ("report small -o nowhere/x.html", r"cannot write the report nowhere/x\.html: No such file"),
    "report-on-folder": ("report small -o folder", r"cannot write the report folder: Is a directory"),
    "export-nothing": ("export small -o best", r"study 'small' has no completed run"),
}

USAGE = {
    "command": ("strat", r"No such command 'strat'.*; see 'lrlc-nas --help'"),
    "option": ("start --trails 3", r"No such option.*--trails.*; see 'lrlc-nas start --help'"),
    "argument": ("show", r"Missing argument.*; see 'lrlc-nas show --help'"),
    "workers": ("start --workers 65", r"--workers.*; see 'lrlc-nas start --help'"),
    "trials": ("start --trials none", r"--trials.*; see 'lrlc-nas start --help'"),
    "port": ("dashboard --port 99999", r"--port.*; see 'lrlc-nas dashboard --help'"),
    "device": ("start --device tpu", r"--device must be cpu, cuda or cuda:N; got 'tpu'"),
    "absent-device": ("start --device cuda:99", r"--device must name a device of this machine.* got 'cuda:99'"),
    "other-device": ("start --device meta", r"--device must be cpu, cuda or cuda:N; got 'meta'"),
    "dashboard-of-nothing": ("dashboard", r"sqlite:///lrlc-nas\.db.*no study"),
}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with all kinds of wrong files."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "not.toml").write_text("recipe: epochs\n")
    (tmp_path / "bytes.toml").write_bytes(b"name = '\xff'\n")
    (tmp_path / "unknown.toml").write_text("[recipe]\nepoch = 3\n")
    (tmp_path / "section.toml").write_text("[trainig]\nepochs = 3\n")
    (tmp_path / "type.toml").write_text("[recipe]\nepochs = 'ten'\n")
    make_images(tmp_path / "single", only=8)
    make_images(tmp_path / "broken", a=8, b=8)
    (tmp_path / "broken/b/0.png").write_bytes(b"no image")
    return tmp_path


@pytest.mark.parametrize(("line", "message"), (STUDY_FILES | USAGE).values(), ids=STUDY_FILES | USAGE)
def test_wrong_files_and_words(given: Path, line: str, message: str) -> None:
    before = contents(given)
    assert_refused(call(*line.split()), message)
    assert contents(given) == before


@pytest.mark.parametrize(("setting", "message"), SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("verb", ["start", "sites"])
def test_wrong_settings(given: Path, verb: str, setting: str, message: str) -> None:
    before = contents(given)
    done = call(verb, "--set", setting)
    if verb == "sites" and setting.startswith("budget.trials="):
        assert done.code == 0  # they tell how many plans there are, whatever the budget
    else:
        assert_refused(done, message)
    assert contents(given) == before


@pytest.mark.parametrize(("settings", "message"), TOGETHER.values(), ids=TOGETHER)
def test_settings_that_do_not_fit_together(given: Path, settings: tuple[str, ...], message: str) -> None:
    before = contents(given)
    assert_refused(call("start", *(word for each in settings for word in ("--set", each))), message)
    assert contents(given) == before


@pytest.mark.parametrize(("url", "message"), STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("line", ["start", "resume x", "list", "show x", "report x", "export x -o y", "dashboard"])
def test_wrong_storages(
    given: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch, line: str, url: str, message: str
) -> None:
    before = contents(given)
    monkeypatch.setenv("LRLC_NAS_STORAGE", url.format(port=closed_port))
    done = call(*line.split())
    assert_refused(done, message)
    assert "canary" not in done.err
    assert contents(given) == before


def test_a_driver_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("pg8000") is None
    monkeypatch.setenv("LRLC_NAS_STORAGE", "postgresql+pg8000://me:canary@127.0.0.1/x")
    assert_refused(
        call("list"), r"postgresql\+pg8000://me:\*\*\*@127\.0\.0\.1/x: needs the driver pg8000, which is not installed"
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("line", "message"), NAMES.values(), ids=NAMES)
def test_wrong_names(given: Path, untrained: bytes, line: str, message: str) -> None:
    (given / DATABASE).write_bytes(untrained)
    before = contents(given)
    assert_refused(call(*line.split()), message)
    assert contents(given) == before


def test_export_keeps_out_of_a_folder_that_holds_something(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LRLC_NAS_STORAGE", f"sqlite:///{finished.folder / DATABASE}")
    (tmp_path / "best").mkdir()
    (tmp_path / "best/mine.txt").write_text("mine")
    assert_refused(call("export", "small", "-o", "best"), r"best exists already and is not an empty folder")
    assert list(contents(tmp_path)) == ["best", "best/mine.txt"]


def test_dashboard_on_a_port_in_use(given: Path, untrained: bytes) -> None:
    (given / DATABASE).write_bytes(untrained)
    before = contents(given)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("dashboard", "--port", str(port))
    assert_refused(done, rf"port {port} is in use; give another one with --port")
    assert contents(given) == before


@pytest.mark.parametrize(
    "line", ["start", "resume small", "list", "show small", "report small", "export small -o x", "dashboard"]
)
def test_a_study_of_a_newer_version(given: Path, untrained: bytes, line: str) -> None:
    path = given / DATABASE
    path.write_bytes(untrained)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE nas_schema SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = contents(given)
    assert_refused(call(*line.split()), r"newer version")
    assert contents(given) == before


@pytest.mark.parametrize("line", mostly_slow(["start none.toml", "strat"], "strat"))
def test_a_process_says_the_same(tmp_path: Path, line: str) -> None:
    done = run(tmp_path, *line.split())
    assert_refused(done, r"none\.toml|No such command 'strat'")
    assert not list(tmp_path.iterdir())


def test_words_from_elsewhere_cannot_reach_the_terminal_as_control() -> None:
    done = call("start", "a\n\x1b[31mb.toml")
    assert done.err == "Error: cannot read the study file a [31mb.toml: No such file or directory\n"
