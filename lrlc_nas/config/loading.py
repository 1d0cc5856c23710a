"""Reading a study file and its overrides.

A study file is TOML; what it leaves out has the default that the section gives. The embedded study is such a file
too, `embedded.toml` beside this one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from .problems import unknown_key
from .sections import HostSection
from .study import StudyConfig, fine_tuned

__all__ = ["load_config"]

_EMBEDDED = Path(__file__).with_name("embedded.toml")
_MOST_BYTES = 2**20
_HOST = ["host", "name"]
_OF_ONE_HOST = {"host": ("options",), "space": ("sites", "exclude")}
_TOO_DEEP = "values are nested too deeply to be read"


def load_config(path: Path | None = None, overrides: Iterable[str] = (), task: str | None = None) -> StudyConfig:
    """Read a study file and apply overrides; a file that does not name its study is named as the file.

    Args:
        path: a TOML file; None for the embedded study, or for a study of the task alone.
        overrides: ``section.key=value``, the value as TOML would have it; what is no TOML value is a string. Another
            ``host.name`` also takes away what the file says of its own host: its options, and which of its sites
            are left out or put in.
        task: ``package.module:name`` of the task, whatever the file says.

    Raises:
        InputError: one line that says what was required, what came and where.
    """
    where = str(path) if path else "the embedded study" if task is None else f"the task {task}"
    table: dict[str, Any]
    table = {"name": task.partition(":")[0].rpartition(".")[2]} if task and path is None else _table(path or _EMBEDDED)
    if task is not None:
        table["task"] = {**table.get("task", {}), "name": task}
    for override in sorted(overrides, key=lambda text: _keys(text) != _HOST):
        _override(table, override)
    try:
        if "confirmation" in table:
            raise InputError(unknown_key(["confirmation"], StudyConfig(name="any")))
        return StudyConfig.from_json(_json(fine_tuned(table)))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _table(path: Path) -> dict[str, Any]:
    return {"name": path.stem} | _read_toml(path)


def _json(table: Mapping[str, Any]) -> str:
    try:
        return json.dumps(table)
    except TypeError:
        raise InputError("dates and times have no place in a study file") from None
    except RecursionError:
        raise InputError(_TOO_DEEP) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the study file {path}: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise InputError(f"{path}: a study file has at most {_MOST_BYTES:,} bytes, and this one has more")
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:  # tomllib lets through what int() and decode() raise
        raise InputError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: {_TOO_DEEP}") from None


def _override(table: dict[str, Any], text: str) -> None:
    keys, raw = _keys(text), text.partition("=")[2]
    if "=" not in text or not all(keys):
        raise InputError(f"--set {text!r}: required is section.key=value, for example recipe.epochs=20")
    value = _toml_value(raw.strip())
    if keys == _HOST:
        _forget_host(table, value)
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise InputError(f"--set {text!r}: {key} is a value, not a section")
    table[keys[-1]] = value


def _keys(override: str) -> list[str]:
    return [key.strip() for key in override.partition("=")[0].split(".")]


def _forget_host(table: dict[str, Any], name: Any) -> None:
    sections = {section: table[section] for section in _OF_ONE_HOST if isinstance(table.get(section), dict)}
    if sections.get("host", {}).get("name", HostSection().name) != name:
        for section, values in sections.items():
            for key in _OF_ONE_HOST[section]:
                values.pop(key, None)


def _toml_value(raw: str) -> Any:
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw
    except (ValueError, RecursionError) as error:
        raise InputError(f"--set: the value cannot be read: {error}") from None
