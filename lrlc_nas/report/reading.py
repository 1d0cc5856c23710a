"""All that a report is made of, read from the database once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..choices import Plan
from ..config import Metric
from ..errors import InputError, LrlcNasError
from ..evidence import Audit, Screening, audit, screen
from ..evidence.conclusion import Conclusion, conclude
from ..runs.results import EpochResult
from ..store import RunRecord, Store, StudyRecord, TestOpening, test_openings, times_opened

if TYPE_CHECKING:
    from ..inspection import ShiftTolerance, SpaceMap
    from ..search import OptunaStudy

__all__ = ["Confirmation", "Inside", "Reading", "look_inside", "plan_scores", "read_study"]

_MOST_IMAGES = 1000
_FEWEST_IMAGES = 100
_MOST_MACS = 3e11
"""What the shifted images may cost: about ten seconds of one processor core."""

_SEEDS = 3

# Whatever is wrong with checkpoints, images or memory: a picture less is no reason to lose the page.
_TROUBLE = (LrlcNasError, OSError, RuntimeError)


def plan_scores(metric: Metric, runs: Sequence[RunRecord], plan: Plan) -> list[tuple[int, float]]:
    """Seed and value, as a gain, of each complete run of a plan."""
    complete = (run for run in runs if run.plan == plan and run.state == "complete")
    return [(run.seed, metric.gain(run.value)) for run in complete if run.value is not None]


@dataclass(frozen=True)
class Confirmation:
    """The confirmation of a study as it stands.

    `openings` are those of the test split. `opened_elsewhere` is how often other studies of the database have opened
    the same images besides.
    """

    study: StudyRecord
    runs: tuple[RunRecord, ...]
    epochs: Mapping[int, Sequence[EpochResult]]
    conclusion: Conclusion
    openings: tuple[TestOpening, ...]
    opened_elsewhere: int = 0

    def scores(self, plan: Plan) -> tuple[float, ...]:
        """Values of an arm as gains, in the order of the seeds that the verdicts rest on."""
        by_seed = dict(plan_scores(self.study.metric, self.runs, plan))
        return tuple(by_seed[seed] for seed in self.conclusion.seeds if seed in by_seed)


@dataclass(frozen=True)
class Inside:
    """What the trained networks themselves show.

    Attributes:
        maps: of the relaxed sites of one network.
        why: how the network was chosen; empty where there is none.
        maps_reason: why there are no maps; empty otherwise.
        shifts: the metric on moved images; None where there is a reason.
        shifts_reason: why there are none; empty otherwise.
    """

    maps: tuple[SpaceMap, ...] = ()
    why: str = ""
    maps_reason: str = ""
    shifts: ShiftTolerance | None = None
    shifts_reason: str = ""


@dataclass(frozen=True)
class Reading:
    """A study as its report takes it, with all of its runs; the confirmation is None before there is one.

    ``epochs`` is run id to recorded epochs, and ``importances`` site to what Optuna tells of it.
    """

    study: StudyRecord
    runs: tuple[RunRecord, ...]
    epochs: Mapping[int, Sequence[EpochResult]]
    screening: Screening
    audit: Audit
    importances: Mapping[str, float]
    confirmation: Confirmation | None
    inside: Inside

    @property
    def metric(self) -> Metric:
        """What the values of the runs are."""
        return self.study.metric

    @property
    def conclusion(self) -> Conclusion | None:
        """What the confirmation concludes by now; None before there is one."""
        return self.confirmation.conclusion if self.confirmation else None


def read_study(
    source: Store | OptunaStudy,
    name: str = "",
    *,
    metric: Metric | str | None = None,
    inside: bool = False,
    trusted: bool = False,
) -> Reading:
    """Read a study and compute all that the evidence says of it.

    Args:
        source: a study database; or any study of Optuna's whose parameters are sites with tokens as values.
        name: of the study in the database, or of one of Optuna's there.
        metric: what the values of an Optuna study are, or its name alone; by default plain numbers, in the study's
            own direction and with the name that `optuna.Study.set_metric_names` gave them.
        inside: as in `lrlc_nas.report.report_page`; of no effect on an Optuna study.
        trusted: likewise.

    Raises:
        InputError: if there is no such study, or it is a confirmation, which is reported with its search; of an Optuna
            study if no parameter is a site, it has several objectives, or another direction than the metric.
    """
    # Imported here, because Optuna takes a second, and whoever prints a verdict needs the records alone.
    from ..search import optuna_study, require_optuna, study_importances

    if not isinstance(source, Store):
        return _read_optuna(source, metric)
    store = source
    if store.is_optunas_alone(name):
        require_optuna(store)
        with optuna_study(store, name) as found:
            return _read_optuna(found, metric)
    study = store.study(name)
    search = store.search_of(study)
    if search is not None:
        raise InputError(
            f"study {name!r} is the confirmation of {search.name!r}, and part of its report: "
            f"'lrlc-nas report {search.name}'"
        )
    runs, epochs = store.runs(study), store.epochs(study)
    closed = (
        "This page was made without maps of space and moved images, as those take checkpoints, images and seconds: "
        f"'lrlc-nas report {name}' draws them."
    )
    outside = Inside(maps_reason=closed, shifts_reason=closed)
    return Reading(
        study=study,
        runs=tuple(runs),
        epochs=epochs,
        screening=screen(study, runs, epochs),
        audit=audit(study, runs, epochs),
        importances=study_importances(store, name),
        confirmation=_confirmation(store, study),
        inside=look_inside(store, name, trusted=trusted) if inside else outside,
    )


def _read_optuna(source: OptunaStudy, metric: Metric | str | None) -> Reading:
    from ..search import importances, optuna_lacks, optuna_records

    if not isinstance(metric, Metric):
        name = metric or (source.metric_names[0] if source.metric_names else "value")
        metric = Metric(name, "minimize" if source.direction.name == "MINIMIZE" else "maximize")
    study, runs, epochs = optuna_records(source, metric)
    screening = screen(study, runs, epochs)
    screening = replace(screening, caveats=(*screening.caveats, *optuna_lacks(source)))
    nothing = "The training of this study is its user's own, and lrlc-nas has no trained networks of it."
    return Reading(
        study=study,
        runs=tuple(runs),
        epochs=epochs,
        screening=screening,
        audit=replace(
            audit(study, runs, epochs), sentence="What prunes this study is its user's own, and nothing audits it."
        ),
        importances={site: share for site, share in importances(source).items() if site in study.space},
        confirmation=None,
        inside=Inside(maps_reason=nothing, shifts_reason=nothing),
    )


def look_inside(store: Store, name: str, *, trusted: bool = False) -> Inside:
    """Map the relaxed sites and move the images, with a sentence wherever that cannot be done."""
    # Imported here, since they need torch, which nothing else in a report does.
    from ..engine import open_study
    from ..inspection import shift_tolerance, space_maps, subject
    from ..inspection.shifts import SHIFTS

    try:
        chosen = subject(store, name)
        opened = open_study(store, chosen.study.name, looking=not trusted)
        maps = space_maps(store, name, opened=opened, chosen=chosen)
    except _TROUBLE as error:
        reason = f"There is nothing to show of the trained networks: {error}."
        return Inside(maps_reason=reason, shifts_reason=reason)
    macs = sum(run.macs or 0 for run in (*chosen.runs[:_SEEDS], *chosen.hosts[:_SEEDS]))
    images = min(_MOST_IMAGES, int(_MOST_MACS / (2 * len(SHIFTS) * max(macs, 1))))
    if images < _FEWEST_IMAGES:
        call = f"lrlc_nas.inspection.shift_tolerance(store, {name!r})"
        return Inside(maps, chosen.why, shifts_reason=f"Moving the images costs too much here; {call} does it.")
    try:
        found = shift_tolerance(store, name, images=images, seeds=_SEEDS, opened=opened, chosen=chosen)
    except _TROUBLE as error:
        return Inside(maps, chosen.why, shifts_reason=f"The moved images could not be measured: {error}.")
    return Inside(maps, chosen.why, shifts=found)


def _confirmation(store: Store, search: StudyRecord) -> Confirmation | None:
    study = store.confirmation_of(search)
    if study is None:
        return None
    runs = store.runs(study)
    openings = tuple(test_openings(store, study))
    elsewhere = times_opened(store, study) - len(openings)
    return Confirmation(study, tuple(runs), store.epochs(study), conclude(study, runs), openings, elsewhere)
