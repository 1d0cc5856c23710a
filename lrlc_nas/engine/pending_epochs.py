"""Epochs on their way to the database: recorded in their order, and kept while the database is away."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from ..errors import StorageError
from ..runs import EpochResult
from .run_end import RunEnd

__all__ = ["PendingEpochs"]

_LOG = logging.getLogger("lrlc_nas")
# A broken connection or a deadlock is over by then; an outage is better spent on training.
_HICCUP_SECONDS = 2.0


class PendingEpochs:
    """Lets a run train on while the database is away; nothing is recorded out of order or twice.

    What waits here is on the disk already: each checkpoint holds the results of all epochs up to its own, and
    whoever takes the run over after a crash gets them from there.

    Args:
        send: records and judges one epoch, and waits for the database for at most so many seconds; it may be
            repeated, and gives the end if the run has to end there.
        retry_seconds: for how many seconds to train on. After that `put` waits as `flush` does, for as long again.
        name: of the run, for the log.
    """

    def __init__(self, send: Callable[[EpochResult, float], RunEnd | None], retry_seconds: float, name: str) -> None:
        self._send = send
        self._retry_seconds = retry_seconds
        self._name = name
        self._waiting: deque[EpochResult] = deque()
        self._away_since: float | None = None

    def put(self, result: EpochResult) -> RunEnd | None:
        """Send an epoch after all that wait, or let it wait with them.

        Returns:
            The end if one of them ends the run; those after it are not sent.

        Raises:
            OutageError: if the database does not answer for longer than that.
        """
        self._waiting.append(result)
        if self._away_since is None:
            seconds = min(_HICCUP_SECONDS, self._retry_seconds)
        elif time.monotonic() - self._away_since < self._retry_seconds:
            seconds = 0.0  # one try
        else:
            return self.flush()
        try:
            return self._send_all(seconds)
        except StorageError as error:
            if not self._retry_seconds:
                raise
            if self._away_since is None:
                self._away_since = time.monotonic()
                _LOG.warning("%s; %s trains on, its epochs wait in its checkpoints", error, self._name)
            return None

    def flush(self) -> RunEnd | None:
        """Send all that wait, for as long as it takes, within the time to retry; like `put`."""
        return self._send_all(self._retry_seconds)

    def _send_all(self, seconds: float) -> RunEnd | None:
        waited = len(self._waiting)
        while self._waiting:
            end = self._send(self._waiting[0], seconds)
            if end is not None:
                self._waiting.clear()
                return end
            self._waiting.popleft()
        if self._away_since is not None:
            self._away_since = None
            _LOG.warning("the database answers again; %s: %d epochs that waited are recorded", self._name, waited)
        return None
