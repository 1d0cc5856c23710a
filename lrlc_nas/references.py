"""Functions of the user's, by name: ``package.module:function``. The only place that imports what a user names."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TypeVar

from .errors import InputError

__all__ = ["call_with_options", "import_function", "import_named", "is_importing", "is_reference"]

_T = TypeVar("_T")

_IMPORTING = ContextVar("importing", default=False)
_PLANTED = "lrlc_nas.data.planted_host:pooled_cnn"
"""A host that was part of the package, which recorded studies name."""


def is_reference(text: str) -> bool:
    """Whether a text has the form ``package.module:function``; ``torchvision:NAME`` is none."""
    if text.startswith(("torchvision:", "imagefolder:")):
        return False
    return re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", text) is not None


def is_importing() -> bool:
    """Whether this is the import of a module that a study names."""
    return _IMPORTING.get()


def import_named(reference: str) -> object:
    """Import what ``package.module:name`` names.

    The current directory becomes importable, as it is under ``python -m``, and stays so: a function may
    import its neighbours later.

    Raises:
        InputError: if the module cannot be imported or has no such name.
    """
    if reference == _PLANTED:
        raise InputError(
            f"{_PLANTED} is no longer part of the package: a study file names it as 'studies.planted:host', as "
            "studies/planted.toml does; start the study anew with that file, in the folder above it"
        )
    module_name, _, attribute = reference.partition(":")
    if not {"", os.getcwd()} & set(sys.path):
        sys.path.insert(0, os.getcwd())
    token = _IMPORTING.set(True)
    try:
        module = importlib.import_module(module_name)  # noqa: TID251 - the one place, at the user's word
    except Exception as error:  # the module is the user's: importing it can raise anything
        raise InputError(f"cannot import {module_name!r}: {type(error).__name__}: {error}") from error
    finally:
        _IMPORTING.reset(token)
    if not hasattr(module, attribute):
        raise InputError(f"{reference!r} is not a function: module {module_name!r} has no such name")
    found: object = getattr(module, attribute)
    return found


def import_function(reference: str) -> Callable[..., object]:
    """Import the function that ``package.module:function`` names.

    Raises:
        InputError: as `import_named`, or if it is no function.
    """
    function = import_named(reference)
    if not callable(function):
        raise InputError(f"{reference!r} is not a function: its module has a {type(function).__name__} there")
    return function


def call_with_options(function: Callable[..., _T], options: Mapping[str, object], *args: object, **given: object) -> _T:
    """Call ``function(*args, **given, **options)``: its further parameters are the options one may choose.

    Raises:
        InputError: if an option is not a parameter of the function, or one without default is missing.
    """
    fixed = sorted(given.keys() & options.keys())
    if fixed:
        raise InputError(f"option {fixed[0]!r} cannot be chosen: it follows from the images")
    signature = inspect.signature(function)
    try:
        signature.bind(*args, **given, **options)
    except TypeError as error:
        known = [name for name in list(signature.parameters)[len(args) :] if name not in given]
        called = f"it is given {', '.join(given)}; " if given else ""
        raise InputError(f"{error}; {called}its options are {', '.join(known) or '(none)'}") from None
    return function(*args, **given, **options)
