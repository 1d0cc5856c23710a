"""How a process is asked to end: by signals, and by the end of the process that started it.

This needs the standard library alone, so that a worker listens before it imports anything that takes seconds.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

__all__ = ["ENDING_SIGNALS", "Stop", "interrupt_once", "is_hurried", "require_uninterrupted"]

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What terminals, service managers and batch systems send to whoever shall end."""

_HURRIED = 130
_POLL_SECONDS, _GRACE_SECONDS = 1.0, 2.0


class Stop:
    """Whether this process is to end.

    Until it works it has nothing to give back, and ends at once. From then on the first signal is a wish, which the
    work hears between two steps. Batch systems send several, so more of them change nothing; only a second Ctrl-C
    ends the process at once, with exit code 130.
    """

    def __init__(self) -> None:
        self._asked = False  # not an Event, whose lock a second signal could find held by the first
        self._works = False

    def listen(self, parent: int | None = None) -> None:
        """Hear signals from now on, and the end of the parent.

        Args:
            parent: process id of the supervisor; None for a process on its own.
        """
        _handle(self._hear)
        if parent is not None:
            threading.Thread(target=self._end_with, args=(parent,), name="parent", daemon=True).start()

    def begin(self) -> None:
        """Tell that the work begins: from now on there may be something to give back."""
        self._works = True

    def is_asked(self) -> bool:
        """Whether the work is to end."""
        return self._asked

    def _hear(self, number: int, _: FrameType | None) -> None:
        if not self._works:
            os._exit(0)
        if self._asked and number == signal.SIGINT:
            os._exit(_HURRIED)
        self._asked = True

    def _end_with(self, parent: int) -> None:
        # PR_SET_PDEATHSIG would come sooner, but also when only the thread ends that has started this process.
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        if self._works:
            self._asked = True
            time.sleep(_GRACE_SECONDS)
        # A run is safe at any instruction, and nobody is left to wait for a polite end.
        os._exit(1)


@dataclass
class _Heard:
    """What `interrupt_once` has heard."""

    interrupted: bool = False
    hurried: bool = False


def interrupt_once() -> None:
    """Let the first of these signals interrupt this process as Ctrl-C does; of later ones, only Ctrl-C itself.

    Python drops what is raised while it runs a destructor or a callback, so that loops which are to end have to ask
    `require_uninterrupted` as well.
    """
    _heard.interrupted = _heard.hurried = False

    def hear(number: int, _: FrameType | None) -> None:
        if not _heard.interrupted or number == signal.SIGINT:
            _heard.hurried = _heard.interrupted
            _heard.interrupted = True
            raise KeyboardInterrupt

    _handle(hear)


def require_uninterrupted() -> None:
    """Raise `KeyboardInterrupt` if a signal has interrupted this process, wherever the first one went."""
    if _heard.interrupted:
        raise KeyboardInterrupt


def is_hurried() -> bool:
    """Whether Ctrl-C came after this process was interrupted."""
    return _heard.hurried


def _handle(hear: Callable[[int, FrameType | None], None]) -> None:
    for number in ENDING_SIGNALS:
        # Whoever has started this process may not want it to be ended so: nohup, a shell's background.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hear)


_heard = _Heard()
