"""Holding a claim while a run trains: a thread renews it, and notices when it is lost or the training hangs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from ..errors import FencedError, StorageError
from ..fault_points import fault_point
from ..store import Claim, Store, renew

__all__ = ["HANG_SECONDS", "LEASE_SECONDS", "Lease", "warn_of_hanging"]

LEASE_SECONDS = 60.0
"""How long a claim lasts without renewal; it is renewed four times in that span."""

HANG_SECONDS = 1800.0
"""How long a step may last, or whatever else lies between two of them, such as writing a checkpoint."""

# A renewal may wait for a silent database longer than a supervisor waits for its workers; it is not worth it.
_LAST_SECONDS = 5.0
_LOG = logging.getLogger("lrlc_nas")


def warn_of_hanging(where: str) -> None:
    """Say it, and leave it to the other workers to take the run over."""
    _LOG.warning("%s; its claim is not renewed any more", where)


class Lease:
    """Renews a claim until the block ends, or the training hangs.

    Args:
        store: the study database.
        held: the claim.
        hang_seconds: after how long without a step the training is taken to hang.
        on_hang: told once, with what hangs, from a thread of its own.

    Attributes:
        lost: whether another worker has taken the run over; training must stop then.
    """

    def __init__(
        self,
        store: Store,
        held: Claim,
        hang_seconds: float = HANG_SECONDS,
        on_hang: Callable[[str], None] = warn_of_hanging,
    ) -> None:
        self.lost = False
        self._store = store.retrying(0)  # the next renewal comes soon enough, and the block may end
        self._held = held
        self._hang_seconds = hang_seconds
        self._on_hang = on_hang
        self._told = False
        self._stepped = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_LAST_SECONDS)

    def step(self) -> None:
        """Tell that the training goes on."""
        self._stepped = time.monotonic()

    def _hangs(self) -> bool:
        seconds = time.monotonic() - self._stepped
        if seconds < self._hang_seconds:
            return False
        if not self._told:
            self._told = True
            self._on_hang(f"run {self._held.run.number}: no step has ended for {seconds:.0f} s")
        return True

    def _renew(self) -> None:
        while not self._ended.wait(min(self._held.seconds, self._hang_seconds) / 4):
            if self._hangs():
                continue  # it may only have been slow, and goes on if nobody has taken the run over
            try:
                fault_point("renewal.before")
                renew(self._store, self._held)
                fault_point("renewal.after")
            except FencedError:
                self.lost = True
                return
            # The lease outlives three failed renewals; every record of an epoch renews it too. While the database
            # is away nobody can take the run over, and afterwards a claim that has run out is renewed like any.
            except StorageError:
                continue
            except Exception:
                _LOG.warning("run %d: could not renew its lease", self._held.run.number, exc_info=True)
