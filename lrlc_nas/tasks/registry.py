"""From a study file to its task."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import cast

from ..config import StudyConfig
from ..errors import InputError
from ..references import import_named, is_reference
from .classification import Classification
from .own import Task
from .own_training import OwnTraining
from .task import TaskProtocol

__all__ = ["task_of"]

_BUILT_IN: dict[str, Callable[[StudyConfig], TaskProtocol]] = {"classification": Classification.of}
_MEMBERS = [name for name in dir(TaskProtocol) if not name.startswith("_")]


def task_of(config: StudyConfig) -> TaskProtocol:
    """Make the task of a study: a built-in one, a `Task` of the user's, or what a function gives for the configuration.

    Raises:
        InputError: if there is no such task, it is not one, or whatever is wrong with its data.
    """
    name = config.task.name
    if name in _BUILT_IN:
        return _BUILT_IN[name](config)
    if not is_reference(name):
        known = ", ".join((*_BUILT_IN, "package.module:name"))
        raise InputError(f"task.name: no task {name!r}; a task is one of {known}")
    found = import_named(name)
    made = found if isinstance(found, Task) else _made(name, found, config)
    return OwnTraining(made, name) if isinstance(made, Task) else _checked(name, made)


def _made(name: str, function: object, config: StudyConfig) -> object:
    if not callable(function):
        raise InputError(
            f"task {name!r} must be a lrlc_nas.Task, or a function that gives one, but is a {type(function).__name__}"
        )
    try:
        return function(config)
    except InputError:
        raise
    except Exception as error:  # the function is the user's: it can raise anything
        raise InputError(f"task {name!r}: the function failed: {type(error).__name__}: {error}") from error


def _checked(name: str, task: object) -> TaskProtocol:
    missing = [member for member in _MEMBERS if not _has(task, member)]
    if missing:
        raise InputError(
            f"task {name!r}: the function must give a Task, but what it gave, a {type(task).__name__}, has no "
            f"{', '.join(missing)}"
        )
    return cast(TaskProtocol, task)


def _has(task: object, member: str) -> bool:
    """Without computing what is a property."""
    return inspect.getattr_static(task, member, _MEMBERS) is not _MEMBERS
