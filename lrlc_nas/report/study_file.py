"""The study file that a study was made from, written back from its configuration."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["study_file"]


def study_file(table: Mapping[str, Any]) -> str:
    """Write settings as TOML; what is None is left out, as TOML has no word for it."""
    return "\n".join(_lines(table, ())) + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Values before tables, since a value after a header would belong to that table."""
    values = {key: value for key, value in table.items() if value is not None}
    for key, value in values.items():
        if not isinstance(value, dict):
            yield f"{_quoted(key)} = {_value(value)}"
    for key, value in values.items():
        if isinstance(value, dict) and value:
            inner = (*path, key)
            yield ""
            yield f"[{'.'.join(map(_quoted, inner))}]"
            yield from _lines(value, inner)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted_text(value)
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value if item is not None)}]"
    if isinstance(value, dict):
        pairs = (f"{_quoted(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def _quoted(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _quoted_text(key)


def _quoted_text(text: str) -> str:
    # JSON's escapes are TOML's, but for the delete character, which JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
