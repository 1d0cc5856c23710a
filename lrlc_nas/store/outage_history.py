"""When the database was silent last: who comes back from an outage first must not take what others still hold.

While the database is away claims run out, and none of their holders can renew them. A worker that waits for a run
comes back in the same moment as they do, or before them.
"""

from __future__ import annotations

import time

__all__ = ["OutageHistory"]


class OutageHistory:
    """What the calls of one process have heard of the database."""

    def __init__(self) -> None:
        self._silent_since: float | None = None
        self._silences: list[tuple[float, float]] = []  # how long each was, and when it ended; shorter and shorter

    def failed(self, began: float) -> None:
        """A call that began then, by the monotonic clock, was not answered."""
        if self._silent_since is None:
            self._silent_since = began

    def answered(self, began: float) -> None:
        """A call that began then was answered now, for which it may have waited."""
        now, since = time.monotonic(), self._silent_since
        self._silent_since = None
        long = now - (began if since is None else min(began, since))
        self._silences = [each for each in self._silences if each[0] > long] + [(long, now)]

    def was_silent(self, seconds: float) -> bool:
        """Whether the database was silent for at least so long, and has been answering for less than that."""
        now = time.monotonic()
        return any(long >= seconds and now - ended < seconds for long, ended in self._silences)
