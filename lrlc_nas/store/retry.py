"""Retrying while a database does not answer: the same call again, until it does or the time is over.

A server restarts, a connection breaks, another process holds the lock of a SQLite file: none of it is a reason
to end a training. Commands that somebody waits for do not retry and fail at once; workers do.
Whatever is called again must bear it: the answer to a call may be lost after all that it did is stored.

Reference: A. Brooker, "Exponential backoff and jitter", AWS architecture blog, 2015.
"""

from __future__ import annotations

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from itertools import count
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from ..errors import LrlcNasError, OutageError, StorageError
from .databases import DATABASES

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

__all__ = ["RETRY_SECONDS", "RetryPolicy", "Retrying", "as_outage", "is_outage", "reason", "repeatable", "retry"]

RETRY_SECONDS = 600.0
"""How long workers and their supervisor wait for the database."""

_LOG = logging.getLogger("lrlc_nas")
_FIRST_SECONDS, _LONGEST_SECONDS = 0.1, 5.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a database that does not answer.

    Attributes:
        seconds: the whole time; 0: fail at once.
        should_stop: asked before each wait; True ends the waiting.
        quiet: whether nothing is logged.
    """

    seconds: float = 0.0
    should_stop: Callable[[], bool] = lambda: False
    quiet: bool = False


class Retrying(Protocol):
    """Something whose calls need a database, and which knows how long they may wait for it."""

    def retry(self, call: Callable[[], T], /) -> T:
        """Make a call that may be repeated."""


C = TypeVar("C", bound=Retrying)


def retry(call: Callable[[], T], policy: RetryPolicy, shown: str) -> T:
    """Make a call again and again until the database answers it, whatever the answer is.

    The waits double from 0.1 s to 5 s, less a random half, so that workers do not come back in one moment.

    Args:
        call: what to do; it may be repeated.
        policy: for how long.
        shown: the storage URL as it may be shown.

    Raises:
        OutageError: if the database does not answer for so long.
        StorageError: if it does not answer, and there are no retries: then it is the URL that may be wrong.
    """
    began = time.monotonic()
    for attempt, wait in enumerate(_waits()):
        try:
            result = call()
        except Exception as error:
            if not is_outage(error):
                raise
            waited = time.monotonic() - began
            if waited >= policy.seconds or policy.should_stop():
                kind = OutageError if policy.seconds else StorageError
                raise kind(_no_answer(shown, waited, error)) from None
            # A broken connection or a deadlock is over by then, and not worth a word.
            if attempt == 1 and not policy.quiet:
                _LOG.warning("storage %s: the database does not answer, waiting: %s", shown, reason(error))
            time.sleep(min(wait, max(0.0, policy.seconds - waited)))
        else:
            if attempt > 1 and not policy.quiet:
                waited = time.monotonic() - began
                _LOG.warning("storage %s: the database answers again after %.0f s", shown, waited)
            return result
    raise AssertionError("unreachable: the waits do not end")


def repeatable(function: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Let a function or method that may be repeated be retried in an outage; its first argument knows how long."""

    @wraps(function)
    def retried(retrying: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return retrying.retry(partial(function, retrying, *args, **kwargs))

    return retried


def is_outage(error: BaseException) -> bool:
    """Whether an error, SQLAlchemy's or one that was raised because of it, will pass when the database is back.

    Errors of the statement and of what it wanted to store never do.
    """
    from sqlalchemy.exc import InterfaceError, OperationalError  # see `StudyDatabase`

    if isinstance(error, LrlcNasError):
        return False
    found = _database_error(error)
    if found is None:
        return False
    if found.connection_invalidated:
        return True
    if isinstance(found.orig, sqlite3.Error):
        return _passes(found.orig)
    if isinstance(found, InterfaceError):
        return True
    return isinstance(found, OperationalError) and _passes(found.orig)


def as_outage(error: BaseException) -> OutageError | None:
    """What to tell of an outage in a moment in which nobody could wait; None if the error is none."""
    return OutageError(f"the database does not answer any more: {reason(error)}") if is_outage(error) else None


def reason(error: BaseException) -> str:
    """The driver's own first line: SQLAlchemy's text would add the statement and its values."""
    found = _database_error(error)
    driver = found.orig if found is not None and found.orig is not None else error
    return (str(driver).strip() or type(driver).__name__).splitlines()[0]


def _waits() -> Iterator[float]:
    for attempt in count():
        yield min(_LONGEST_SECONDS, _FIRST_SECONDS * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)


def _no_answer(shown: str, waited: float, error: BaseException) -> str:
    long = f" for {waited:.0f} s" if waited >= 1 else ""
    return f"storage {shown}: the database does not answer{long}: {reason(error)}"


def _database_error(error: BaseException) -> DBAPIError | None:
    """The error that SQLAlchemy raised, where Optuna has raised another one because of it."""
    from sqlalchemy.exc import DBAPIError  # see `StudyDatabase`

    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, DBAPIError):
        seen = seen.__cause__ or seen.__context__
    return seen


def _passes(driver: BaseException | None) -> bool:
    """What the first kind of database says that knows the driver."""
    verdicts = (database.passes(driver) for database in DATABASES.values())
    return next((verdict for verdict in verdicts if verdict is not None), False)
