"""Of many cases that take one path of the code, some are tried in every run of the tests, the others with `-m slow`."""

from collections.abc import Iterable

import pytest

__all__ = ["mostly_on", "mostly_slow"]


def mostly_slow(cases: Iterable[object], *usual: object) -> list[object]:
    """All cases of `parametrize`, marked slow but for the usual ones."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=() if case in usual else pytest.mark.slow)
        for case in cases
    ]


def mostly_on(kind: str) -> pytest.MarkDecorator:
    """For a test of both kinds of servers: in every run on this kind alone."""
    return pytest.mark.parametrize("server", mostly_slow(("postgresql", "mariadb"), kind), indirect=True)
