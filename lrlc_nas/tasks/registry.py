"""From a study file to its task."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

from ..config import StudyConfig
from ..errors import InputError
from ..references import import_function, is_reference
from .classification import Classification
from .task import Task

__all__ = ["task_of"]

_BUILT_IN: dict[str, Callable[[StudyConfig], Task]] = {"classification": Classification.of}
_MEMBERS = [name for name in dir(Task) if not name.startswith("_")]


def task_of(config: StudyConfig) -> Task:
    """Make the task of a study: a built-in one, or what a function of the user's gives for the configuration.

    Raises:
        InputError: if there is no such task, it is not one, or whatever is wrong with its data.
    """
    name = config.task.name
    if name in _BUILT_IN:
        return _BUILT_IN[name](config)
    if not is_reference(name):
        known = ", ".join((*_BUILT_IN, "package.module:function"))
        raise InputError(f"task.name: no task {name!r}; a task is one of {known}")
    return _checked(name, _made(name, config))


def _made(name: str, config: StudyConfig) -> object:
    function = import_function(name)
    try:
        return function(config)
    except InputError:
        raise
    except Exception as error:  # the function is the user's: it can raise anything
        raise InputError(f"task {name!r}: the function failed: {type(error).__name__}: {error}") from error


def _checked(name: str, task: object) -> Task:
    missing = [member for member in _MEMBERS if not _has(task, member)]
    if missing:
        raise InputError(
            f"task {name!r}: the function must give a Task, but what it gave, a {type(task).__name__}, has no "
            f"{', '.join(missing)}"
        )
    made = cast(Task, task)
    if made.metric.direction != "maximize":
        raise InputError(
            f"task {name!r}: the search maximizes, and its metric {made.metric.name!r} is to be minimized; score "
            "its negative"
        )
    return made


def _has(task: object, member: str) -> bool:
    """Without computing what is a property."""
    return inspect.getattr_static(task, member, _MEMBERS) is not _MEMBERS
