"""Workers that are scripts: which have started, and what to do once they have."""

import time
from collections.abc import Callable
from pathlib import Path


def pids(folder: Path) -> list[int]:
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def after(number: int, folder: Path, then: Callable[[], None]) -> Callable[[], None]:
    """A tick that acts once, when so many workers have started."""
    deadline = time.monotonic() + 30
    acted = False

    def tick() -> None:
        nonlocal acted
        assert time.monotonic() < deadline, f"{pids(folder)} have started"
        if not acted and len(pids(folder)) >= number:
            acted = True
            then()

    return tick


def interrupt() -> None:
    raise KeyboardInterrupt
