"""Connections to PostgreSQL that give up a server which has fallen silent; imported only where there is one.

libpq has a limit for calling a server, and TCP one for a network that is gone, but a server that is frozen, or waits
for its own disk, acknowledges every packet, and nothing ends the wait for its answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg

__all__ = ["TimedConnection", "connect"]

T = TypeVar("T")


class TimedConnection(psycopg.Connection[Any]):
    """A connection that is broken, and its call ended with `psycopg.OperationalError`, when the server falls silent.

    Attributes:
        silence_seconds: how long the server may send nothing while it owes an answer.
    """

    silence_seconds = 90.0

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **keywords: Any) -> T:
        """Lead a conversation to its end, as psycopg does."""
        limited = _until_silent(gen, self.silence_seconds, self.pgconn.finish)
        return super().wait(limited, *arguments, **keywords)


def connect(silence_seconds: float, *arguments: Any, **keywords: Any) -> TimedConnection:
    """Connect as `psycopg.connect` does; of what it gives, no answer is awaited for ever."""
    connection = TimedConnection.connect(*arguments, **keywords)
    connection.silence_seconds = silence_seconds
    return connection


def _until_silent(
    conversation: Generator[Any, Any, T], seconds: float, hang_up: Callable[[], None]
) -> Generator[Any, Any, T]:
    """A conversation with a server as psycopg holds it: it gives what it waits for, and is sent what is ready.

    While nothing is, it is sent 0 every 0.1 s.
    """
    heard = time.monotonic()
    try:
        wanted = next(conversation)
        while True:
            if ready := (yield wanted):
                heard = time.monotonic()
            elif time.monotonic() - heard > seconds:
                hang_up()
                raise psycopg.OperationalError(f"the server has been silent for {seconds:.0f} s")
            wanted = conversation.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result
