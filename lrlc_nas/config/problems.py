"""What is wrong with a study file, as one line; pydantic's own words take several."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

__all__ = ["first_problem", "unknown_key"]


def first_problem(error: ValidationError, example: BaseModel) -> str:
    """The first problem: where it is, what was required and what came.

    Known keys are those of `example`, a valid object of the model.
    """
    problem = error.errors()[0]
    location = [part for part in problem["loc"] if not _is_tag(part)]
    name = ".".join(str(part) for part in location)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return unknown_key(location, example)
    if problem["type"] == "value_error":
        cause = problem.get("ctx", {}).get("error", problem["msg"])
        return f"{name}: {cause}"
    return f"{name}: {problem['msg'][0].lower()}{problem['msg'][1:]}; got {problem['input']!r}"


def unknown_key(location: Sequence[int | str], example: BaseModel) -> str:
    """That the last key of a location is not known, with the known one that is nearest to it."""
    known = sorted(_keys(location[:-1], example))
    key = str(location[-1])
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    section = ".".join(str(part) for part in location[:-1]) or "the top level"
    return f"unknown key {key!r} in {section}{hint} Known keys: {', '.join(known)}"


def _is_tag(part: int | str) -> bool:
    # pydantic adds the member of a union that it tried, such as 'constrained-float'.
    return isinstance(part, str) and (part.startswith("constrained-") or part in ("int", "float"))


def _keys(location: Iterable[int | str], example: BaseModel) -> Iterable[str]:
    section: Any = example
    for part in location:
        section = section[part] if isinstance(section, Mapping) else getattr(section, str(part))
    if is_dataclass(section):
        return [field.name for field in fields(section)]
    return [name for name in type(section).model_fields if name != "confirmation"]
