"""The trouble that is made, one kind after the other, how much of it, and where."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lrlc_nas.errors import InputError, LrlcNasError

from . import parts
from .crashes import Reference, live_undisturbed
from .damage import KINDS
from .findings import Finding, findings_table, machine_line, to_json
from .hostile import STRANGERS
from .places import SQLITE, Place, ServerPlace, chosen_places, opened
from .servers import PostgreSQL
from .shortage import MOMENTS

__all__ = ["Extent", "find", "find_soaked", "run_faults"]

_AWAY_SECONDS = 6.0  # two claims
_SEED = 0

Part = Callable[[Path], Finding]


@dataclass(frozen=True)
class Extent:
    """How much trouble is made.

    Attributes:
        passages: of each point at which a study on SQLite is killed; one of `parts.PASSAGES`.
        moments: random moments at which a study is killed.
        damaged: checkpoints of each kind of damage.
        storm: trials, kills and zombies of the storm.
        workers: how many spend the same budget, for each of the races.
        crowd: workers and trials of the crowd on one file.
        rounds: of claims, and of first studies.
        stops: seconds for which a server is away.
        cuts: how often all connections are cut.
        freeze: seconds for which PostgreSQL stands still.
        soak: trials, seconds between two kills, and seconds of rest before each batch.
    """

    passages: str = "every passage"
    moments: int = 20
    damaged: int = 100
    storm: tuple[int, int, int] = (40, 10, 3)
    workers: tuple[int, ...] = (2, 4, 8)
    crowd: tuple[int, int] = (16, 160)
    rounds: int = 10
    stops: tuple[float, ...] = (0.0, 3.0, 30.0)
    cuts: int = 20
    freeze: float = 20.0
    soak: tuple[int, float, float] = (200, 3.0, 0.4)

    @classmethod
    def quick(cls) -> Extent:
        """Some trouble of each kind."""
        return cls(
            "the first and the last passage", 5, 20, (12, 3, 1), (2,), (4, 24), 1, (0.0, 3.0), 5, 6.0, (12, 3.0, 0.2)
        )


def run_faults(
    say: Callable[[str], None],
    *,
    on: Sequence[str] = (),
    quick: bool = False,
    soak: bool = False,
    json: Path | None = None,
) -> None:
    """Make the trouble and say what came of it.

    Args:
        say: gets the table, and a line for each part of it that is done.
        on: kinds of databases, of `PLACES`; none: SQLite, and the servers that are installed.
        quick: some trouble of each kind instead of all.
        soak: the soak alone, instead of all else.
        json: where to write the findings; None for nowhere.

    Raises:
        InputError: if the findings cannot be written, or a database that is named is not there.
        LrlcNasError: if a promise does not hold.
    """
    if json is not None and not json.parent.is_dir():
        raise InputError(f"--json must name a file in a folder that exists; got {str(json)!r}")
    places = chosen_places(on)
    extent = Extent.quick() if quick else Extent()
    findings, took = [], []
    for name in places:
        started = time.monotonic()
        with opened(name) as place:
            for finding in (find_soaked if soak else find)(extent, place):
                say(finding.line)
                findings.append(finding)
        took.append(f"{place.name} in {time.monotonic() - started:.0f} s")
    say(f"\n{machine_line()}; {', '.join(took)}\n\n{findings_table(findings)}")
    if json is not None:
        json.write_text(to_json(findings))
    failed = [f"{finding.what} on {finding.on}" for finding in findings if not finding.met]
    if failed:
        raise LrlcNasError(f"promises that do not hold: {', '.join(failed)}")


def find(extent: Extent, place: Place = SQLITE) -> Iterator[Finding]:
    """Make all trouble but the soak, in temporary folders, which are removed."""
    with tempfile.TemporaryDirectory(prefix="lrlc-nas-faults-") as name:
        reference = live_undisturbed(place.furnish(Path(name) / "undisturbed"), place)
        if isinstance(place, ServerPlace):
            chosen = _on_server(extent, reference, place)
        else:
            chosen = _on_files(extent, reference, place)
        yield from _found(chosen, Path(name))


def find_soaked(extent: Extent, place: Place = SQLITE) -> Iterator[Finding]:
    """The soak alone."""
    with tempfile.TemporaryDirectory(prefix="lrlc-nas-soak-") as name:
        yield from _found([_in_place(place, parts.soaking, place, extent.soak, _SEED)], Path(name))


def _on_files(extent: Extent, reference: Reference, place: Place) -> Iterator[Part]:
    yield _in_folder(parts.crashes, extent.passages, reference)
    yield _in_folder(parts.moments, extent.moments, _SEED, reference)
    yield _in_folder(parts.actions, reference)
    yield _in_folder(parts.supervision, place)
    for kind in KINDS:
        yield _in_folder(parts.damage, kind, extent.damaged)
    for kind in STRANGERS:
        yield _in_folder(parts.strangers, kind)
    for moment in MOMENTS:
        yield _in_place(place, parts.shortage, moment, place)
    yield from _many_workers(extent, place)
    yield _in_place(place, partial(parts.races, sites=3), place, *extent.crowd)


def _on_server(extent: Extent, reference: Reference, place: ServerPlace) -> Iterator[Part]:
    server = place.server
    yield _in_folder(parts.crashes, "the first passage", reference)
    yield _in_folder(parts.moments, extent.moments, _SEED, reference)
    yield from _many_workers(extent, place)
    for seconds in extent.stops:
        yield partial(parts.stops, server, seconds, reference)
    yield partial(parts.waiting, server, _AWAY_SECONDS, reference)
    yield partial(parts.cuts, server, extent.cuts, reference)
    if isinstance(server, PostgreSQL):
        yield partial(parts.freezing, server, extent.freeze, reference)


def _many_workers(extent: Extent, place: Place) -> Iterator[Part]:
    yield _in_place(place, parts.storms, place, extent.storm, _SEED)
    for workers in extent.workers:
        yield _in_place(place, parts.races, place, workers, 20)
    yield _in_place(place, parts.resumes, place)
    yield _in_folder(parts.starts, place, extent.rounds)
    yield _in_folder(parts.claims, place, extent.rounds)


def _found(chosen: Iterable[Part], folder: Path) -> Iterator[Finding]:
    for number, make in enumerate(chosen):
        started = time.monotonic()
        finding = make(folder / str(number))
        yield replace(finding, seconds=time.monotonic() - started)


def _in_folder(make: Callable[..., Finding], *arguments: object) -> Part:
    """A part that fills an empty folder."""

    def part(folder: Path) -> Finding:
        folder.mkdir()
        return make(*arguments, folder)

    return part


def _in_place(place: Place, make: Callable[..., Finding], *arguments: object) -> Part:
    """A part that needs one study, in a folder with a database."""
    return lambda folder: make(*arguments, place.furnish(folder))
