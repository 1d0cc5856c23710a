"""Holding a claim while a run trains: a thread renews it, and notices when it is lost."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from ..errors import FencedError, StorageError
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
        self._store = store.patient(0)  # the next renewal comes soon enough, and the block may end
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
            # The lease outlives three failed renewals; every record of an epoch renews it too. While the database
            # is away nobody can take the run over, and afterwards a claim that has run out is renewed like any.
            except StorageError:
                continue
            except Exception:
                _LOG.warning("run %d: could not renew its lease", self._held.run.slot, exc_info=True)
