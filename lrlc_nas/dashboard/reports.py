"""Reports, drawn in the background and kept until the study has changed.

Drawing the report of a large study takes seconds, so no request waits for it but the very first: whoever asks
gets the newest one that is there, and one thread draws the next. It rests between two drawings, because the same
processor may be training.
"""

from __future__ import annotations

import gzip
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import LrlcNasError
from ..report import report_page
from ..store import Store

__all__ = ["Drawn", "Reports"]

_LOG = logging.getLogger(__name__)
_REST = 4.0
"""How long the thread rests, in times of the last drawing: a fifth of one core at most."""

_KEPT = 8
"""How many reports are kept; the one that was asked for longest ago goes first."""


@dataclass(frozen=True)
class Drawn:
    """A report of a version of a study, compressed with gzip; empty with an error if it could not be drawn."""

    version: str
    page: bytes
    error: str
    seconds: float


class Reports:
    """The reports of a database; `draw` makes the page of a study, and another one is for tests."""

    def __init__(self, store: Store, draw: Callable[[Store, str], str] = report_page) -> None:
        self._store = store
        self._draw = draw
        self._changed = threading.Condition()
        self._drawn: dict[str, Drawn] = {}
        self._wanted: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def newest(self, name: str, version: str) -> Drawn | None:
        """The newest report of a study, or None before one is drawn.

        If it is older than `version`, the next one is ordered.
        """
        with self._changed:
            drawn = self._drawn.pop(name, None)
            if drawn is not None:
                self._drawn[name] = drawn  # now the one that was asked for last
            if drawn is None or drawn.version != version:
                self._order(name, version)
            return drawn

    def wait(self, name: str, version: str, seconds: float = 60.0) -> Drawn | None:
        """As `newest`, but wait for the first one."""
        drawn = self.newest(name, version)
        with self._changed:
            self._changed.wait_for(lambda: name in self._drawn, timeout=0.0 if drawn else seconds)
            return self._drawn.get(name)

    def _order(self, name: str, version: str) -> None:
        self._wanted[name] = version
        self._changed.notify_all()
        if self._thread is None:
            # A daemon: it only reads, and must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name="reports", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        """Draw what is wanted, one after the other, until nothing is."""
        while (order := self._next()) is not None:
            drawn = self._made(*order)
            with self._changed:
                self._keep(order[0], drawn)
                # Unless somebody has nothing to look at yet.
                self._changed.wait_for(lambda: not self._wanted.keys() <= self._drawn.keys(), _REST * drawn.seconds)

    def _next(self) -> tuple[str, str] | None:
        with self._changed:
            # First those that have nothing to show.
            for name in sorted(self._wanted, key=lambda name: name in self._drawn):
                version = self._wanted.pop(name)
                if name not in self._drawn or self._drawn[name].version != version:
                    return name, version
            self._thread = None
            return None

    def _keep(self, name: str, drawn: Drawn) -> None:
        self._drawn.pop(name, None)
        self._drawn[name] = drawn
        for oldest in list(self._drawn)[:-_KEPT]:
            del self._drawn[oldest]
        self._changed.notify_all()

    def _made(self, name: str, version: str) -> Drawn:
        begun = time.monotonic()
        page, error = b"", ""
        try:
            page = gzip.compress(self._draw(self._store, name).encode(), compresslevel=5)
        except LrlcNasError as trouble:
            error = str(trouble)
        except Exception as trouble:  # the page says so, and the others go on
            _LOG.exception("the report of study %r could not be drawn", name)
            error = f"the report could not be drawn ({type(trouble).__name__}); the dashboard's terminal says more"
        return Drawn(version, page, error, time.monotonic() - begun)
