"""Holding a claim while a run trains: a thread renews it, and notices when it is lost."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from ..errors import FencedError
from ..store import Claim, Store, renew


__all__ = ["LEASE_SECONDS", "Lease"]

LEASE_SECONDS = 60.0
"""How long a claim lasts without renewal; it is renewed four times in that span."""

_LOG = logging.getLogger("lrlc_nas")


class Lease:
    """Renews a claim until the block ends.

    Attributes:
        lost: whether another worker has taken the run over; training must stop then.
    """

    def __init__(self, store: Store, held: Claim) -> None:
        self.lost = False
        self._store = store
        self._held = held
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._ended.wait(self._held.seconds / 4):
            try:
                renew(self._store, self._held)
            except FencedError:
                self.lost = True
                return
            except Exception:
                # The lease outlives three failed renewals; every record of an epoch renews it too.
                _LOG.warning("run %d: could not renew its lease", self._held.run.slot, exc_info=True)
