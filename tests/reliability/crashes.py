"""Crashes at every point and at any moment: what a study is after the process that came next."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from lrlc_nas.errors import LrlcNasError
from lrlc_nas.fault_points import Fault
from lrlc_nas.store import KernelChoices

from .lives import HITS, end, live, spawn
from .places import SQLITE, Place, opened_store
from .promises import broken, recorded, story
from .toy import NAME

__all__ = ["Crash", "Reference", "crash_at", "crash_until_untouched", "kill_after", "live_undisturbed"]

_WAIT = 60.0


@dataclass(frozen=True)
class Reference:
    """A life that nothing disturbed.

    Attributes:
        story: what the study found.
        paths: which way computed which layer.
        hits: how often it passed each point.
        seconds: how long it took.
        place: where it lay, and where those shall lie that are compared with it.
    """

    story: list[tuple[object, ...]]
    paths: Mapping[str, str]
    hits: Mapping[str, int]
    seconds: float
    place: Place = SQLITE


@dataclass(frozen=True)
class Crash:
    """A life that was cut short, and the one after it.

    Attributes:
        what: the fault, or the moment.
        happened: whether the first life was cut short at all.
        again: epochs that were recorded and trained again; negative where a checkpoint was ahead of the records.
        broken: promises that do not hold after the second life, its story among them.
    """

    what: str
    happened: bool
    again: int
    broken: tuple[str, ...]

    @property
    def survived(self) -> bool:
        """Whether nothing was lost but the epoch in flight."""
        return not self.broken and self.again <= 0


def live_undisturbed(folder: Path, place: Place = SQLITE) -> Reference:
    """Live once, for comparison.

    Args:
        folder: that the place has furnished.
        place: where the folder is.

    Raises:
        LrlcNasError: if even that does not end well.
    """
    end(spawn(time.sleep, 0.0))  # the server that processes are forked from takes a while to start
    started = time.monotonic()
    if code := end(spawn(live, folder)):
        raise LrlcNasError(f"the undisturbed study ended with exit code {code}")
    seconds = time.monotonic() - started
    with opened_store(folder) as store:
        if wrong := broken(store):
            raise LrlcNasError(f"the undisturbed study is not whole: {'; '.join(wrong)}")
        paths = KernelChoices(store, store.study(NAME)).all()
        return Reference(story(store), paths, _hits(folder), seconds, place)


def crash_at(folder: Path, fault: Fault, reference: Reference) -> Crash:
    """Live with a fault in a new folder, then live on without it; the folder is removed if all is well."""
    reference.place.furnish(folder)
    once = folder / "happened"
    armed = Fault(fault.point, fault.hit, fault.action, once)
    first = spawn(live, folder, str(armed), reference.paths)
    if fault.action == "hang":
        _kill_when(once, first)
    end(first)
    return _live_on(folder, str(fault), once.exists(), reference)


def crash_until_untouched(folder: Path, point: str, action: str, reference: Reference) -> Iterator[Crash]:
    """Crash at the first, the second, … passage of a point, until a life ends untouched."""
    hit, happened = 1, True
    while happened:
        crash = crash_at(folder / f"{point}-{hit}", Fault(point, hit, action), reference)
        hit, happened = hit + 1, crash.happened
        yield crash


def kill_after(folder: Path, seconds: float, reference: Reference) -> Crash:
    """SIGKILL to a life in a new folder after some time, then live on."""
    reference.place.furnish(folder)
    process = spawn(live, folder, "", reference.paths)
    process.join(seconds)
    process.kill()
    happened = end(process) == -signal.SIGKILL
    return _live_on(folder, f"after {seconds:.2f} s", happened, reference)


def _live_on(folder: Path, what: str, happened: bool, reference: Reference) -> Crash:
    (folder / HITS).unlink(missing_ok=True)
    with opened_store(folder) as store:
        before = recorded(store)
        if code := end(spawn(live, folder, "", reference.paths)):
            return Crash(what, happened, 0, (f"the next process ended with exit code {code}",))
        wrong = broken(store)
        if story(store) != reference.story:
            wrong.append("the study found something else")
        again = _hits(folder).get("checkpoint.opened", 0) - (recorded(store) - before)
    if not wrong:
        reference.place.clear(folder)
    return Crash(what, happened, again, tuple(wrong))


def _hits(folder: Path) -> Mapping[str, int]:
    hits: dict[str, int] = json.loads((folder / HITS).read_text())
    return hits


def _kill_when(there: Path, process: ForkServerProcess) -> None:
    deadline = time.monotonic() + _WAIT
    while process.is_alive() and not there.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
