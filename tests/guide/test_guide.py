"""README and the guide cannot rot: their snippets run, their links lead somewhere, their commands exist."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import typer

import lrlc_nas
from lrlc_nas import guide, report
from lrlc_nas.cli import app, main
from lrlc_nas.config import load_config
from lrlc_nas.engine import Worker, start_study
from lrlc_nas.report import read_study
from lrlc_nas.store import Store

ROOT = Path(__file__).parent.parent.parent
PAGES = {"README": ROOT / "README.md"}
PAGES |= {name: Path(guide.__file__).with_name(f"{name}.md") for name in guide.TOPICS}
TEXTS = {name: path.read_text() for name, path in PAGES.items()}
SMALL = [
    "recipe.epochs=2",
    "recipe.path=bank",
    "data.split.train=200",
    "data.split.search=100",
    "host.options.channels=4",
    "search.min_epochs=1",
    'search.pruner="successive-halving"',
    "budget.trials=12",
]


def blocks(language: str) -> list[tuple[str, str]]:
    """Each block of code with the name of its page."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
    return [(name, block) for name, text in TEXTS.items() for block in pattern.findall(text)]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database in which the embedded study is, trained a little."""
    folder = tmp_path_factory.mktemp("studied")
    store = Store(f"sqlite:///{folder / 'lrlc-nas.db'}")
    study = start_study(store, load_config(None, SMALL))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    Worker(study.store, study.record, study.prepared, device="cpu").work()
    torch.set_num_threads(threads)
    store.engine.dispose()
    return folder


@pytest.mark.parametrize(("name", "snippet"), blocks("python"))
def test_python_snippets_run(name: str, snippet: str, studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studied)
    exec(compile(snippet, name, "exec"), {"__name__": "guide"})


def test_the_hook_of_tensorboard_writes_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (snippet,) = [block for name, block in blocks("python") if name == "training" and "SummaryWriter" in block]
    names: dict[str, object] = {}
    exec(snippet, names)
    names["log"]({"study": "s", "run": 3, "metric": "IoU", "epoch": 0, "value": 0.5})  # type: ignore[operator]
    assert list((tmp_path / "runs" / "s" / "3").iterdir())


def test_the_study_of_the_guide_goes_to_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two snippets as one script, with less to train."""
    monkeypatch.chdir(tmp_path)
    task, study = [block for name, block in blocks("python") if name == "training"][:2]
    script = tmp_path / "segment.py"
    script.write_text(
        task.replace("epochs=8", "epochs=1").replace("randperm(600)", "randperm(100)")
        + study.replace("trials=40", "trials=8").replace("smallest_effect=0.5", "smallest_effect=0.5, seeds=2")
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT), *sys.path])
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "IoU" in (tmp_path / "segment.html").read_text()


def test_there_are_python_snippets() -> None:
    assert len(blocks("python")) >= 4


def test_every_call_of_the_table_of_numbers_gives_some(studied: Path) -> None:
    store = Store(f"sqlite:///{studied / 'lrlc-nas.db'}")
    names = {"report": report, "reading": read_study(store, "embedded", inside=True)}
    rows = re.findall(r"^\|.*\| (`re(?:port|ading)\..*) \|$", TEXTS["python"], flags=re.MULTILINE)
    calls = [each for row in rows for each in re.findall(r"`(.*?)`", row)]
    assert len(calls) > 10
    for each in calls:
        eval(each, dict(names))
    store.engine.dispose()


@pytest.mark.parametrize(("name", "text"), blocks("toml"))
def test_study_files_load(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert load_config(path).name == "my-study"


def test_there_is_a_study_file() -> None:
    assert blocks("toml")


def commands() -> list[list[str]]:
    lines = "\n".join(block for _, block in blocks("bash")).splitlines()
    calls = [line[line.index("lrlc-nas ") :] for line in lines if "lrlc-nas " in line]
    return [shlex.split(call, comments=True)[1:] for call in calls]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_parse(words: list[str]) -> None:
    command = typer.main.get_command(app)
    name, *rest = words
    with command.make_context("lrlc-nas", list(words)) as context:
        found = command.get_command(context, name)  # type: ignore[attr-defined]
        assert found is not None, name
        found.make_context(name, rest, parent=context)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files(name: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)|src(?:set)?=\"([^\"]+)\"", TEXTS[name]):
        link = "".join(target).partition("#")[0]
        if link and "://" not in link:
            assert (PAGES[name].parent / link).exists(), link


@pytest.mark.parametrize("name", PAGES)
def test_topics_and_modules_that_are_named_exist(name: str) -> None:
    for topic in re.findall(r"`lrlc-nas guide ([a-z-]+)`", TEXTS[name]):
        assert topic in guide.TOPICS
    for block in [block for page, block in blocks("bash") if page == name]:
        for module in re.findall(r"python -m (\S+)", block):
            assert module == "venv" or importlib.util.find_spec(module), module


def test_readme_is_short_and_leads_to_every_topic() -> None:
    readme = TEXTS["README"]
    assert len(readme) <= 10_000
    for name in guide.TOPICS:
        assert f"](lrlc_nas/guide/{name}.md)" in readme, name


def test_readme_begins_with_the_lines_that_install_and_test() -> None:
    (_, block), *_ = blocks("bash")
    install, test = block.splitlines()
    assert install.endswith("/lrlc-nas start")
    assert test.endswith("/pytest")


def test_pictures_are_small() -> None:
    folder = Path(guide.__file__).parent
    pictures = [path for path in folder.iterdir() if path.suffix in (".png", ".svg")]
    assert pictures
    assert all(path.stat().st_size < 250_000 for path in pictures)


def test_every_page_in_the_folder_is_a_topic() -> None:
    assert {path.stem for path in Path(guide.__file__).parent.glob("*.md")} == set(guide.TOPICS)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command line: exit code, standard output, standard error."""

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lrlc-nas", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code or 0, *capsys.readouterr())

    return called


def test_the_command_lists_the_topics_a_line_each(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("guide")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(guide.TOPICS)


@pytest.mark.parametrize("name", guide.TOPICS)
def test_the_command_prints_a_topic(name: str, call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("guide", name) == (0, TEXTS[name], "")


def test_an_unknown_topic_is_refused_with_those_there_are(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = call("guide", "poetry")
    assert (code, out) == (2, "")
    assert all(name in err for name in guide.TOPICS)


def test_a_terminal_gets_the_topic_laid_out(
    call: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = call("guide", "commands")
    assert code == 0
    assert "Exit codes" in out
    assert "| ---" not in out


@pytest.mark.parametrize("words", [["-c", "import lrlc_nas"], ["-m", "lrlc_nas", "guide", "python"]])
def test_the_package_and_its_guide_import_nothing_heavy(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True, env=os.environ
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "lrlc_nas" in imported
    assert imported.isdisjoint({"torch", "numpy", "optuna", "sqlalchemy", "rich.markdown"})


@pytest.mark.parametrize("name", lrlc_nas.__all__)
def test_every_public_name_is_there_when_it_is_asked_for(name: str) -> None:
    assert getattr(lrlc_nas, name) is not None
    assert name in dir(lrlc_nas)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        lrlc_nas.no_such_name  # noqa: B018
