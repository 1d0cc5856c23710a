"""Waiting, never for ever: who waits in vain is told what the matter is."""

from __future__ import annotations

import time
from collections.abc import Callable

from lrlc_nas.errors import LrlcNasError

__all__ = ["PATIENCE", "wait_until"]

PATIENCE = 180.0
"""Seconds until something that is to happen by itself is given up."""

_POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], bool], story: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something holds.

    Args:
        condition: asked again and again.
        story: how matters stand, for whoever has waited in vain.
        seconds: for how long.

    Raises:
        LrlcNasError: if it does not hold within that time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LrlcNasError(f"nothing happened within {seconds:.0f} s: {story()}")
        time.sleep(_POLL_SECONDS)
