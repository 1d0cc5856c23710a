"""Help answers at once, and shows an example of every command."""

import json
import os
import re
import subprocess
import sys

import pytest
import typer
from command_line import call

from lrlc_nas.cli import app
from lrlc_nas.guide import read_topic

GUIDE = read_topic("commands")
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_commands_are_those_of_the_guide() -> None:
    table = re.findall(r"^\| (`lrlc-nas .*?) \| ", GUIDE, flags=re.MULTILINE)
    named = {word for cell in table for word in re.findall(r"`(?:lrlc-nas )?([a-z]+)", cell)}
    assert sorted(named) == COMMANDS


@pytest.mark.parametrize("arguments", [[], ["--help"], ["start", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """It answers at once because the command line itself imports next to nothing."""
    script = (
        "import json, sys\n"
        "from lrlc_nas.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    print(json.dumps([end.code, sorted({name.partition('.')[0] for name in sys.modules})]))\n"
    )
    words = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert "Usage: lrlc-nas " in done.stdout
    heavy = {"torch", "torchvision", "numpy", "optuna", "sqlalchemy", "scipy", "plotly"}
    assert heavy.isdisjoint(modules)


def test_no_words_are_a_call_for_help() -> None:
    assert call() == call("--help")
    assert call().code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example_of_itself(name: str) -> None:
    done = call(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"\n  Example: lrlc-nas {name}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_summed_up_in_one_line(name: str) -> None:
    (line,) = [line for line in call("--help").out.splitlines() if line.startswith(f"  {name} ")]
    assert line.endswith(".")
    assert not line.endswith("...")


def test_the_storage_option_is_common() -> None:
    for name, one in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        options = {word for parameter in one.params for word in parameter.opts}
        assert ("--storage" in options) == (name not in ("sites", "bench", "guide"))
        assert ("--workers" in options) == (name in ("start", "resume", "confirm", "challenge"))
        assert ("--device" in options) == (name in ("start", "resume", "confirm", "challenge", "test", "worker"))
