"""README cannot rot: its snippets run, its study file loads, its commands and keys are those that exist."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from lrlc_nas.cli import app
from lrlc_nas.config import Recipe, StudyConfig, load_config


README = (Path(__file__).parent.parent / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("snippet", blocks("python"))
def test_python_snippets_run(snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {"__name__": "readme"})


def test_there_are_python_snippets() -> None:
    assert len(blocks("python")) == 3


def test_the_study_file_loads(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert load_config(path).name == "my-study"


def readme_commands() -> list[list[str]]:
    lines = "\n".join(blocks("bash")).splitlines()
    calls = [line[line.index("lrlc-nas ") :] for line in lines if "lrlc-nas " in line]
    return [shlex.split(call, comments=True)[1:] for call in calls]


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_commands_parse(words: list[str]) -> None:
    command = typer.main.get_command(app)
    name, *rest = words
    with command.make_context("lrlc-nas", list(words)) as context:
        found = command.get_command(context, name)  # type: ignore[attr-defined]
        assert found is not None, name
        found.make_context(name, rest, parent=context)


def config_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        if name == "confirmation":  # a command writes it, no user does
            continue
        annotation = field.annotation
        if annotation is Recipe:
            keys += [f"{prefix}{name}.{each.name}" for each in fields(Recipe)]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            keys += config_keys(annotation, f"{prefix}{name}.")
        else:
            keys.append(prefix + name)
    return keys


@pytest.mark.parametrize("key", config_keys(StudyConfig))
def test_every_key_of_a_study_file_is_explained(key: str) -> None:
    assert f"`{key}`" in README


def test_readme_explains_no_key_that_does_not_exist() -> None:
    sections = "host|data|recipe|space|search|budget"
    named = set(re.findall(rf"`((?:{sections})\.[a-z_.]+)`", README))
    assert named <= set(config_keys(StudyConfig))
    assert named
