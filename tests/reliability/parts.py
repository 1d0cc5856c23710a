"""The parts of the programme: each makes trouble of one kind in a folder, and says what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lrlc_nas.fault_points import ACTIONS, Fault

from .crashes import Crash, Reference
from .damage import damage_checkpoints
from .everywhere import (
    OTHER_POINTS,
    alone,
    crash_at_first,
    crash_at_random,
    crash_at_the_ends,
    crash_everywhere,
    crash_otherwise,
    in_parallel,
    supervised_points,
    train_points,
)
from .findings import Finding
from .hostile import STRANGERS
from .outages import Outage, cut, freeze, outwait, stop
from .places import Place
from .races import Race, race, race_for_claims, race_of_resumes, race_of_starts
from .servers import Server
from .shortage import run_out_of_memory
from .soak import soak
from .storm import storm
from .supervised import crash_supervisor, crash_worker

__all__ = [
    "PASSAGES",
    "actions",
    "claims",
    "crashes",
    "cuts",
    "damage",
    "freezing",
    "moments",
    "races",
    "resumes",
    "shortage",
    "soaking",
    "starts",
    "stops",
    "storms",
    "strangers",
    "supervision",
    "waiting",
]

PASSAGES = {
    "the first passage": crash_at_first,
    "the first and the last passage": lambda folder, reference: crash_at_the_ends(folder, reference, train_points()),
    "every passage": crash_everywhere,
}
"""At which passages of the points a study can be killed."""

_EPOCHS = 10


def crashes(passages: str, reference: Reference, folder: Path) -> Finding:
    """SIGKILL at all points; `passages` is one of `PASSAGES`."""
    done = PASSAGES[passages](folder, reference)
    points = {crash.what.split(":")[0] for crash in done if crash.happened}
    what = f"kill -9 at {passages} of every point"
    return _of_crashes(reference.place.name, what, done, len(points) == len(train_points()), f"at {len(points)} points")


def moments(number: int, seed: int, reference: Reference, folder: Path) -> Finding:
    """SIGKILL at random moments."""
    done = crash_at_random(folder, reference, number, seed)
    what = f"kill -9 at {number} random moments (seed {seed})"
    happened = sum(crash.happened for crash in done)
    return _of_crashes(reference.place.name, what, done, happened == number)


def actions(reference: Reference, folder: Path) -> Finding:
    """What else can happen at a point."""
    done = crash_otherwise(folder, reference)
    others = ", ".join(action for action in ACTIONS if action != "kill")
    happened = all(crash.happened for crash in done)
    return _of_crashes(reference.place.name, f"{others} at {len(OTHER_POINTS)} points", done, happened)


def supervision(place: Place, folder: Path) -> Finding:
    """Deaths around a supervisor."""
    jobs = [
        *(partial(crash_supervisor, folder / point, Fault(point)) for point in supervised_points()),
        partial(crash_worker, folder / "worker", Fault("epoch.stored", 3)),
    ]
    done = in_parallel(partial(alone, job) for job in jobs)
    happened = all(crash.happened for crash in done)
    return _of_crashes(place.name, "kill -9 of a supervisor, and of its worker", done, happened)


def damage(kind: str, number: int, folder: Path) -> Finding:
    """Checkpoints that are damaged."""
    done = damage_checkpoints(folder, kind, number)
    seen = f"{done.found} found, {done.before} times the one before, {done.said} told"
    held = min(done.found, done.before, done.said)
    return Finding("files", f"checkpoints: {kind}", done.made, done.made, held, seen, done.survived)


def shortage(moment: str, place: Place, folder: Path) -> Finding:
    """Candidates that run out of memory."""
    done = run_out_of_memory(folder, moment)
    seen = f"{done.happened} pruned, {done.processes} process trained the rest{_also(done.broken)}"
    met = done.survived and done.happened > 0
    return Finding(place.name, f"out of memory at {moment}", done.happened, 1, int(done.survived), seen, met)


def storms(place: Place, size: tuple[int, int, int], seed: int, folder: Path) -> Finding:
    """Kills and freezes; `size` is trials, kills and zombies."""
    trials, kills, zombies = size
    done = storm(folder, trials=trials, epochs=_EPOCHS, kills=kills, zombies=zombies, seed=seed)
    return Finding(
        place.name,
        f"storm: 4 workers, {trials} trials x {_EPOCHS} epochs (seed {seed})",
        done.kills + done.zombies,
        1,
        int(done.survived),
        f"{done.ended}/{trials} and {done.recorded}/{_EPOCHS * trials}; "
        f"{done.kills} kills, {done.zombies} zombies{_also(done.broken)}",
        done.survived and done.kills >= kills and done.zombies >= zombies,
    )


def races(place: Place, workers: int, trials: int, folder: Path, sites: int = 2) -> Finding:
    """Many workers that spend one budget."""
    done = race(folder, workers=workers, trials=trials, epochs=2, sites=sites)
    return _of_race(place, f"budget {trials}, {workers} workers", done)


def resumes(place: Place, folder: Path) -> Finding:
    """Two processes that raise the total of one study at once."""
    done = race_of_resumes(folder, first=8, trials=20, epochs=2)
    return _of_race(place, "two resumes raise the total to 20 at once", done)


def starts(place: Place, rounds: int, folder: Path) -> Finding:
    """Many processes that start the first studies of a database at once, which make its tables."""
    made = 4 * rounds
    whole = race_of_starts(folder, processes=4, rounds=rounds, place=place)
    what = "4 processes start the first studies of a database at once"
    return Finding(place.name, what, made, made, whole, f"{whole} studies are whole", whole == made)


def claims(place: Place, rounds: int, folder: Path) -> Finding:
    """Many processes that claim the runs of one study."""
    done = race_for_claims(folder, processes=8, runs=40, rounds=rounds, place=place)
    once = done.claimed - 2 * done.twice
    return Finding(
        place.name,
        f"8 processes resume and claim {done.runs} runs at once",
        done.claimed,
        done.runs,
        once,
        f"{done.twice} claimed twice",
        done.claimed == done.runs and not done.twice,
    )


def stops(server: Server, seconds: float, reference: Reference, folder: Path) -> Finding:
    """A server that crashes and comes back."""
    done = stop(folder, server, seconds, reference)
    how = server.crash_signal.name
    finding = _of_outage(server, f"server ended by {how}, away for {seconds:.0f} s", done, 1)
    return replace(finding, seen=f"{finding.seen}; {done.trained} epochs were trained meanwhile")


def waiting(server: Server, seconds: float, reference: Reference, folder: Path) -> Finding:
    """A server that is away for longer than claims last, while a worker waits for a run."""
    done = outwait(folder, server, seconds, reference)
    return _of_outage(server, f"server away for {seconds:.0f} s, claims last 3 s, a worker waits for one", done, 1)


def cuts(server: Server, number: int, reference: Reference, folder: Path) -> Finding:
    """A server that breaks all connections, again and again."""
    done = cut(folder, server, number, reference)
    return _of_outage(server, "all connections cut", done, number)


def freezing(server: Server, seconds: float, reference: Reference, folder: Path) -> Finding:
    """A server that stands still."""
    done = freeze(folder, server, seconds, reference)
    return _of_outage(server, f"server frozen for {seconds:.0f} s, claims last 4 s, 2 workers", done, 1)


def soaking(place: Place, size: tuple[int, float, float], seed: int, folder: Path) -> Finding:
    """A supervisor whose workers die again and again; `size` is trials, seconds between kills and of rest."""
    trials, every, rest = size
    done = soak(folder, trials=trials, epochs=3, every=every, rest=rest, seed=seed)
    return Finding(
        place.name,
        f"soak: 4 workers, {trials} trials x 3 epochs, a kill every {every:.0f} s (seed {seed})",
        done.kills,
        1,
        int(done.survived),
        f"{done.ended}/{trials}; supervisor: {done.supervisor}; dashboard: {done.pages} pages, {done.dashboard}"
        + _also(done.broken),
        done.survived and done.kills > 0,
    )


def strangers(kind: str, folder: Path) -> Finding:
    """What strangers try; `kind` is one of `STRANGERS`."""
    on, attack = STRANGERS[kind]
    done = attack(folder)
    nought = ", ".join(f"{number} {what}" for what, number in done.nought.items())
    seen, held = f"{done.told}; {nought}{_also(done.wrong)}", done.made - len(done.wrong)
    return Finding(on, kind, done.made, done.made, held, seen, done.survived)


def _of_crashes(on: str, what: str, done: Sequence[Crash], complete: bool, where: str = "") -> Finding:
    happened = [crash for crash in done if crash.happened]
    survived = sum(crash.survived for crash in happened)
    lost = [f"{crash.what}: {_told(crash)}" for crash in done if not crash.survived]
    seen = "; ".join([*filter(None, [where]), *(lost or ["all ended as if undisturbed"])])
    met = complete and bool(happened) and not lost
    return Finding(on, what, len(happened), len(happened), survived, seen, met)


def _told(crash: Crash) -> str:
    return ", ".join(crash.broken) or f"{crash.again} epochs were trained again"


def _of_race(place: Place, what: str, done: Race) -> Finding:
    seen = f"{done.ended} ended, {done.took_part} workers took part{_also(done.broken)}"
    met = done.survived and done.took_part > 1  # nobody races alone
    return Finding(place.name, what, done.took_part, 1, int(done.survived), seen, met)


def _of_outage(server: Server, what: str, done: Outage, wanted: int) -> Finding:
    seen = "; ".join(done.broken) or "nothing failed, nothing lost"
    met = done.survived and done.happened >= wanted
    return Finding(server.name, what, done.happened, 1, int(done.survived), seen, met)


def _also(broken: Sequence[str]) -> str:
    return "".join(f"; {each}" for each in broken)
