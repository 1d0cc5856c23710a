"""A call that waits for somebody else, made for so many seconds and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["call_with_timeout"]


def call_with_timeout(call: Callable[[], object], seconds: float) -> bool:
    """Make a call, and go on without it if it takes too long: it may end later, or with the process.

    Args:
        call: what to do, in a thread of its own.
        seconds: how long to wait for its end.

    Returns:
        Whether it has ended.

    Raises:
        Exception: what the call has raised, if it did so in time.
    """
    errors: list[Exception] = []

    def run() -> None:
        try:
            call()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="call_with_timeout", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    return not thread.is_alive()
