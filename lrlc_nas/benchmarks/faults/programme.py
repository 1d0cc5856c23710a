"""The trouble that is made, one kind after the other, and how much of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ...errors import InputError, LrlcNasError
from ...faults import ACTIONS, Fault
from .crashes import Crash, Reference, live_undisturbed
from .damage import KINDS, damage_checkpoints
from .everywhere import (
    OTHER_POINTS,
    alone,
    crash_at_random,
    crash_at_the_ends,
    crash_everywhere,
    crash_otherwise,
    in_parallel,
    supervised_points,
    train_points,
)
from .findings import Finding, findings_table, machine_line, to_json
from .races import race, race_for_claims, race_of_resumes
from .storm import storm
from .supervised import crash_supervisor, crash_worker


__all__ = ["Extent", "find", "run_faults"]


@dataclass(frozen=True)
class Extent:
    """How much trouble is made.

    Attributes:
        every_passage: crash at each passage of each point, instead of at the first and the last one.
        moments: random moments at which a study is killed.
        damaged: checkpoints of each kind of damage.
        storm: trials, kills and zombies of the storm.
        workers: how many spend the same budget, for each of the races.
        crowd: workers and trials of the crowd on one file.
        rounds: of claims.
    """

    every_passage: bool = True
    moments: int = 20
    damaged: int = 100
    storm: tuple[int, int, int] = (40, 10, 3)
    workers: tuple[int, ...] = (2, 4, 8)
    crowd: tuple[int, int] = (16, 160)
    rounds: int = 10

    @classmethod
    def quick(cls) -> Extent:
        """Some trouble of each kind."""
        return cls(False, 5, 20, (12, 3, 1), (2,), (4, 24), 1)


def run_faults(say: Callable[[str], None], *, quick: bool = False, json: Path | None = None) -> None:
    """Make the trouble and say what came of it.

    Args:
        say: gets the table, and a line for each part of it that is done.
        quick: some trouble of each kind instead of all.
        json: where to write the findings; None for nowhere.

    Raises:
        InputError: if the findings cannot be written.
        LrlcNasError: if a promise does not hold.
    """
    if json is not None and not json.parent.is_dir():
        raise InputError(f"--json must name a file in a folder that exists; got {str(json)!r}")
    findings = []
    for finding in find(Extent.quick() if quick else Extent()):
        say(f"{'met' if finding.met else 'NOT MET'}: {finding.what}: {finding.seen}")
        findings.append(finding)
    say(f"\n{machine_line()}\n\n{findings_table(findings)}")
    if json is not None:
        json.write_text(to_json(findings))
    failed = [finding.what for finding in findings if not finding.met]
    if failed:
        raise LrlcNasError(f"promises that do not hold: {', '.join(failed)}")


def find(extent: Extent) -> Iterator[Finding]:
    """Make the trouble in temporary folders, which are removed."""
    with tempfile.TemporaryDirectory(prefix="lrlc-nas-faults-") as name:
        reference = live_undisturbed(_new(Path(name), "undisturbed"))
        for number, make in enumerate(_parts(extent, reference)):
            started = time.monotonic()
            finding = make(_new(Path(name), str(number)))
            yield replace(finding, seconds=time.monotonic() - started)


def _parts(extent: Extent, reference: Reference) -> Iterator[Callable[[Path], Finding]]:
    yield partial(_crashes, extent, reference)
    yield partial(_moments, extent.moments, reference)
    yield partial(_actions, reference)
    yield _supervision
    for kind in KINDS:
        yield partial(_damage, kind, extent.damaged)
    yield partial(_storm, *extent.storm)
    for workers in extent.workers:
        yield partial(_race, workers, 20)
    yield partial(_race, *extent.crowd, sites=3)
    yield _resumes
    yield partial(_claims, extent.rounds)


def _crashes(extent: Extent, reference: Reference, folder: Path) -> Finding:
    if extent.every_passage:
        what, crashes = "kill -9 at each passage of each point", crash_everywhere(folder, reference)
    else:
        crashes = crash_at_the_ends(folder, reference, train_points())
        what = "kill -9 at the first and last passage of each point"
    points = {crash.what.split(":")[0] for crash in crashes if crash.happened}
    return _of_crashes(what, crashes, len(points) == len(train_points()), f" at {len(points)} points")


def _moments(number: int, reference: Reference, folder: Path) -> Finding:
    crashes = crash_at_random(folder, reference, number)
    return _of_crashes(f"kill -9 at {number} random moments", crashes, True)


def _actions(reference: Reference, folder: Path) -> Finding:
    crashes = crash_otherwise(folder, reference)
    others = ", ".join(action for action in ACTIONS if action != "kill")
    return _of_crashes(f"{others} at {len(OTHER_POINTS)} points", crashes, True)


def _supervision(folder: Path) -> Finding:
    jobs = [
        *(partial(crash_supervisor, folder / point, Fault(point)) for point in supervised_points()),
        partial(crash_worker, folder / "worker", Fault("epoch.stored", 3)),
    ]
    crashes = in_parallel(partial(alone, job) for job in jobs)
    happened = all(crash.happened for crash in crashes)
    return _of_crashes("kill -9 of a supervisor, and of its worker", crashes, happened)


def _of_crashes(what: str, crashes: Sequence[Crash], complete: bool, where: str = "") -> Finding:
    happened = [crash for crash in crashes if crash.happened]
    survived = sum(crash.survived for crash in happened)
    whole = complete and bool(happened) and all(crash.survived for crash in crashes)
    broken = "".join(f"; {crash.what}: {', '.join(crash.broken)}" for crash in crashes if not crash.survived)
    return Finding(what, "all end as if undisturbed", f"{survived} of {len(happened)}{where}{broken}", whole)


def _damage(kind: str, number: int, folder: Path) -> Finding:
    done = damage_checkpoints(folder, kind, number)
    seen = f"{done.found} found, {done.before} times the one before, {done.said} told"
    return Finding(
        f"checkpoints: {number} {kind}", "all found, the one before used, told", seen, done.survived
    )


def _storm(trials: int, kills: int, zombies: int, folder: Path) -> Finding:
    done = storm(folder, trials=trials, epochs=10, kills=kills, zombies=zombies)
    enough = done.kills >= kills and done.zombies >= zombies
    return Finding(
        f"storm: 4 workers, {trials} trials x 10 epochs",
        f"{trials}/{trials}, {10 * trials}/{10 * trials}; {kills} kills, {zombies} zombies",
        f"{done.ended}/{trials}, {done.recorded}/{10 * trials}; {done.kills} kills, {done.zombies} zombies"
        + _also(done.broken),
        done.survived and enough,
    )


def _race(workers: int, trials: int, folder: Path, sites: int = 2) -> Finding:
    done = race(folder, workers=workers, trials=trials, epochs=2, sites=sites)
    seen = f"{done.ended}{_also(done.broken)}"
    return Finding(f"budget {trials}, {workers} workers on one file", f"{trials}", seen, done.survived)


def _resumes(folder: Path) -> Finding:
    done = race_of_resumes(folder, first=8, trials=20, epochs=2)
    return Finding(
        "two resumes raise the total to 20 at once", "20", f"{done.ended}{_also(done.broken)}", done.survived
    )


def _claims(rounds: int, folder: Path) -> Finding:
    done = race_for_claims(folder, processes=8, runs=40, rounds=rounds)
    seen = f"{done.claimed} claimed, {done.twice} twice"
    what = f"8 processes resume and claim {done.runs} runs at once"
    return Finding(what, "none twice", seen, done.claimed == done.runs and not done.twice)


def _also(broken: Sequence[str]) -> str:
    return "".join(f"; {each}" for each in broken)


def _new(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name
