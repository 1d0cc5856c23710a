"""What starts the workers of a study and keeps them alive: which ways there are, and what each must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...errors import InputError
from ..lifecycle import OpenStudy
from .local import LocalWorkers

__all__ = ["LAUNCHERS", "Launcher", "make_launcher"]


class Launcher(Protocol):
    """Keeps the workers of one study alive, wherever they are, and holds no state but that of its workers."""

    @property
    def workers(self) -> int:
        """How many it keeps alive; 0 trains nothing."""

    @property
    def hurried(self) -> bool:
        """Whether the user asked twice to stop, so that nothing may take long any more."""

    def done(self) -> bool:
        """Whether every run has ended."""

    def run(self, tick: Callable[[], None]) -> None:
        """Keep the workers alive until every run has ended, calling `tick` a few times a second.

        On any exception, Ctrl-C included, the workers are asked to stop and given time to do so: whoever calls this
        may leave afterwards. Workers that die are replaced.

        Raises:
            StudyStoppedError: if a worker finds that the study cannot go on.
            LrlcNasError: if the workers cannot be kept alive; the message says why.
        """


LAUNCHERS: dict[str, Callable[[OpenStudy, int | None, str | None], Launcher]] = {"local": LocalWorkers.of}
"""Each way by its name: from a study, the wanted number of workers and their device to a launcher."""


def make_launcher(name: str, study: OpenStudy, workers: int | None, device: str | None) -> Launcher:
    """Make a launcher; it starts nothing before it is run.

    Args:
        name: one of `LAUNCHERS`.
        study: whose workers.
        workers: how many; None for as many as suit the launcher.
        device: of the workers, as `--device` names it; None for what suits the launcher.

    Raises:
        InputError: if there is no such launcher.
    """
    if name not in LAUNCHERS:
        raise InputError(f"a launcher is one of {', '.join(LAUNCHERS)}; got {name!r}")
    return LAUNCHERS[name](study, workers, device)
