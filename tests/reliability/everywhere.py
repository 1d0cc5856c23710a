"""Crashes by the dozen: at every point, at its first and last passage, at random moments; two studies at a time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from lrlc_nas.fault_points import ACTIONS, POINTS, Fault

from .crashes import Crash, Reference, crash_at, crash_until_untouched, kill_after

__all__ = [
    "OTHER_POINTS",
    "alone",
    "crash_at_first",
    "crash_at_random",
    "crash_at_the_ends",
    "crash_everywhere",
    "crash_otherwise",
    "in_parallel",
    "rare_points",
    "supervised_points",
    "train_points",
]

OTHER_POINTS = ("checkpoint.written", "epoch.before", "plan.shown", "release.stored")
"""Where other things happen than SIGKILL."""

_AT_ONCE = 2
_MOST_DRAWS = 20


def train_points() -> list[str]:
    """The points that a process passes while it starts, trains and ends a study, however fast it is."""
    return [point for point in POINTS if point not in (*supervised_points(), *rare_points())]


def supervised_points() -> list[str]:
    """The points that only a supervisor passes."""
    return [point for point in POINTS if point.startswith("supervisor.")]


def rare_points() -> list[str]:
    """The points that only a run passes that takes a while, or that is audited and falls behind."""
    return [point for point in POINTS if point.startswith(("renewal.", "note."))]


def crash_everywhere(folder: Path, reference: Reference) -> list[Crash]:
    """SIGKILL at each passage of each point, until a life ends untouched."""
    return in_parallel(
        partial(_listed, crash_until_untouched, folder, point, "kill", reference) for point in train_points()
    )


def crash_at_the_ends(folder: Path, reference: Reference, points: Iterable[str]) -> list[Crash]:
    """SIGKILL at the first and at the last passage of some points."""
    faults = [Fault(point, hit) for point in points for hit in sorted({1, max(1, reference.hits.get(point, 0))})]
    return _crash_at_all(folder, reference, faults)


def crash_at_first(folder: Path, reference: Reference, points: Iterable[str] = ()) -> list[Crash]:
    """SIGKILL at the first passage of some points, or of each."""
    return _crash_at_all(folder, reference, [Fault(point) for point in points or train_points()])


def crash_at_random(folder: Path, reference: Reference, number: int, seed: int = 0) -> list[Crash]:
    """SIGKILL at so many random moments, each in a study of its own."""
    return in_parallel(
        partial(_crash_somewhen, folder / str(index), random.Random(f"{seed} {index}"), reference)
        for index in range(number)
    )


def crash_otherwise(folder: Path, reference: Reference, points: Iterable[str] = OTHER_POINTS) -> list[Crash]:
    """The actions other than SIGKILL at some points."""
    faults = [Fault(point, 1, action) for point in points for action in ACTIONS if action != "kill"]
    return _crash_at_all(folder, reference, faults)


def in_parallel(jobs: Iterable[Callable[[], Sequence[Crash]]]) -> list[Crash]:
    """The crashes of all jobs, two of which run at any time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [crash for crashes in pool.map(lambda job: job(), jobs) for crash in crashes]


def alone(job: Callable[[], Crash]) -> list[Crash]:
    """One crash as a job of `in_parallel`."""
    return [job()]


def _crash_at_all(folder: Path, reference: Reference, faults: Sequence[Fault]) -> list[Crash]:
    return in_parallel(
        partial(alone, partial(crash_at, folder / str(number), fault, reference)) for number, fault in enumerate(faults)
    )


def _crash_somewhen(folder: Path, chance: random.Random, reference: Reference) -> list[Crash]:
    """One moment; where a life had ended before it, that life counts too, and another moment is drawn."""
    crashes: list[Crash] = []
    while len(crashes) < _MOST_DRAWS and not any(crash.happened for crash in crashes):
        own = folder.with_name(f"{folder.name}-{len(crashes)}")
        crashes.append(kill_after(own, chance.uniform(0.0, reference.seconds), reference))
    return crashes


def _listed(make: Callable[..., Iterator[Crash]], *arguments: object) -> list[Crash]:
    return list(make(*arguments))
