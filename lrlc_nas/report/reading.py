"""All that a report is made of, read from the database once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..choices import Plan
from ..engine import open_study
from ..errors import InputError, LrlcNasError
from ..evidence import Audit, Screening, audit, screen
from ..evidence.conclusion import Conclusion, conclude
from ..inspection import ShiftTolerance, SpaceMap, space_maps, subject
from ..inspection.shifts import SHIFTS, shift_tolerance
from ..search import confirmation_of, study_importances
from ..store import EpochRecord, LookRecord, RunRecord, Store, StudyRecord, looks


__all__ = ["Confirmation", "Inside", "Reading", "look_inside", "read_study", "searched"]

_MOST_IMAGES = 1000
_FEWEST_IMAGES = 100
_MOST_MACS = 3e11
"""What the shifted images may cost: about ten seconds of one processor core."""

_SEEDS = 3

# Whatever is wrong with checkpoints, images or memory: a picture less is no reason to lose the page.
_TROUBLE = (LrlcNasError, OSError, RuntimeError)


@dataclass(frozen=True)
class Confirmation:
    """The confirmation of a study, as it stands.

    Attributes:
        study: its record.
        runs: all of its runs.
        epochs: run id to its recorded epochs.
        conclusion: what it concludes by now.
        looks: the openings of the test split.
    """

    study: StudyRecord
    runs: tuple[RunRecord, ...]
    epochs: Mapping[int, Sequence[EpochRecord]]
    conclusion: Conclusion
    looks: tuple[LookRecord, ...]

    def scores(self, plan: Plan) -> tuple[float, ...]:
        """Accuracies of an arm in points, in the order of the seeds that the verdicts rest on."""
        by_seed = {
            run.seed: 100 * run.value
            for run in self.runs
            if run.plan == plan and run.state == "complete" and run.value is not None
        }
        return tuple(by_seed[seed] for seed in self.conclusion.seeds if seed in by_seed)


@dataclass(frozen=True)
class Inside:
    """What the trained networks themselves show.

    Attributes:
        maps: of the relaxed sites of one network; none where there is a reason.
        why: how the network was chosen; empty where there is none.
        maps_reason: why there are no maps; empty otherwise.
        shifts: accuracies on moved images; None where there is a reason.
        shifts_reason: why there are none; empty otherwise.
    """

    maps: tuple[SpaceMap, ...] = ()
    why: str = ""
    maps_reason: str = ""
    shifts: ShiftTolerance | None = None
    shifts_reason: str = ""


@dataclass(frozen=True)
class Reading:
    """A study as its report takes it.

    Attributes:
        study: the search.
        runs: all of its runs.
        epochs: run id to its recorded epochs.
        screening: what its runs say.
        audit: what its pruning would have cost.
        importances: of its sites, by Optuna.
        confirmation: None before there is one.
        inside: what its trained networks show.
    """

    study: StudyRecord
    runs: tuple[RunRecord, ...]
    epochs: Mapping[int, Sequence[EpochRecord]]
    screening: Screening
    audit: Audit
    importances: Mapping[str, float]
    confirmation: Confirmation | None
    inside: Inside

    @property
    def conclusion(self) -> Conclusion | None:
        """What the confirmation concludes by now; None before there is one."""
        return self.confirmation.conclusion if self.confirmation else None


def read_study(store: Store, name: str, *, inside: bool = False, trusted: bool = False) -> Reading:
    """Read and compute all that a report shows.

    Args:
        store: the study database.
        name: of the search.
        inside: whether to look into the trained networks, which reads checkpoints and images.
        trusted: whether functions that the study names as its host or images may be run for that.

    Raises:
        InputError: if there is no such study, or it is a confirmation, which is reported with its search.
    """
    study = store.study(name)
    search = searched(study)
    if search:
        raise InputError(
            f"study {name!r} is the confirmation of {search!r}, and part of its report: 'lrlc-nas report {search}'"
        )
    runs, epochs = store.runs(study), store.epochs(study)
    return Reading(
        study=study,
        runs=tuple(runs),
        epochs=epochs,
        screening=screen(study, runs, epochs),
        audit=audit(study, runs, epochs),
        importances=study_importances(store, name),
        confirmation=_confirmation(store, name),
        inside=look_inside(store, name, trusted=trusted) if inside else _closed(name),
    )


def searched(study: StudyRecord) -> str:
    """The search that a confirmation is of; empty for a search."""
    return study.config.confirmation.of if study.config.confirmation else ""


def look_inside(store: Store, name: str, *, trusted: bool = False) -> Inside:
    """Map the relaxed sites and move the images, with a sentence wherever that cannot be done."""
    try:
        chosen = subject(store, name)
        opened = open_study(store, chosen.study.name, looking=not trusted)
        maps = space_maps(store, name, opened=opened, chosen=chosen)
    except _TROUBLE as error:
        reason = f"There is nothing to show of the trained networks: {error}."
        return Inside(maps_reason=reason, shifts_reason=reason)
    macs = sum(run.macs or 0 for run in (*chosen.runs[:_SEEDS], *chosen.hosts[:_SEEDS]))
    images = _affordable(macs)
    if images < _FEWEST_IMAGES:
        call = f"lrlc_nas.inspection.shift_tolerance(store, {name!r})"
        return Inside(
            maps, chosen.why, shifts_reason=f"Moving the images costs too much here; {call} does it."
        )
    try:
        found = shift_tolerance(store, name, images=images, seeds=_SEEDS, opened=opened, chosen=chosen)
    except _TROUBLE as error:
        return Inside(maps, chosen.why, shifts_reason=f"The moved images could not be measured: {error}.")
    return Inside(maps, chosen.why, shifts=found)


def _confirmation(store: Store, name: str) -> Confirmation | None:
    study = confirmation_of(store, name)
    if study is None or searched(study) != name:  # a study may have such a name without being one
        return None
    runs = store.runs(study)
    return Confirmation(
        study, tuple(runs), store.epochs(study), conclude(study, runs), tuple(looks(store, study))
    )


def _closed(name: str) -> Inside:
    reason = (
        "This page was made without maps of space and moved images, as those take checkpoints, images and seconds: "
        f"'lrlc-nas report {name}' draws them."
    )
    return Inside(maps_reason=reason, shifts_reason=reason)


def _affordable(macs: int) -> int:
    """How many images can be moved each way through networks of so many multiply-accumulates in all."""
    return min(_MOST_IMAGES, int(_MOST_MACS / (2 * len(SHIFTS) * max(macs, 1))))
