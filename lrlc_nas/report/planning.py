"""What a study can see, from the study database."""

from __future__ import annotations

from collections.abc import Sequence

from ..choices import Plan
from ..config import Metric
from ..errors import InputError
from ..evidence.comparison import compare
from ..evidence.conclusion import conclude
from ..evidence.design_matrix import Cell, cells_of, main_effects, observe
from ..evidence.missing import Matrix
from ..evidence.power import measure_spread
from ..store import RunRecord, Store, StudyRecord
from .power_table import power_table
from .reading import plan_scores, read_study

__all__ = ["screening_design", "study_power"]


def study_power(store: Store, name: str, metric: Metric | str | None = None) -> str:
    """Say which effects the screening and a confirmation of a study can see, as plain text; `metric` as `read_study`.

    Raises:
        InputError: if there is no such study, or fewer than two of its runs of the host were completed.
    """
    study, runs, correlation = _records(store, name, metric)
    scores = [score for _, score in plan_scores(study.metric, runs, Plan())]
    if len(scores) < 2:
        raise InputError(
            f"study {name!r}: the spread over seeds needs at least 2 complete runs of the untouched host, but there "
            f"{'is' if len(scores) == 1 else 'are'} {len(scores)}"
        )
    cells = cells_of(study)
    return power_table(
        measure_spread(scores),
        len(cells),
        design=screening_design(cells, runs),
        names=[f"{site}: {token}" for site, token in cells],
        correlation=correlation,
        metric=study.metric,
    )


def screening_design(cells: Sequence[Cell], runs: Sequence[RunRecord]) -> Matrix:
    """The design of a screening as far as it is known: its complete runs, and the open ones that have a plan.

    It is (runs, 1 + cells), the host's column of ones first. Runs that failed, diverged or did not fit in memory are
    never used. Those that were pruned do not count either, although the screening uses them up to there: they tell less
    than a complete run, so that effects are seen somewhat better than the power says. What the sampler has still to
    propose can only add to it.
    """
    complete = observe(runs, {}).plans  # without epochs, none of those that were pruned
    still_open = [run.plan for run in runs if run.state in ("waiting", "running") and run.plan is not None]
    return main_effects(cells, [*complete, *still_open])


def _records(
    store: Store, name: str, metric: Metric | str | None
) -> tuple[StudyRecord, Sequence[RunRecord], float | None]:
    """A study, its runs, and the correlation of the pairs of its confirmation, if it was measured."""
    if store.is_optunas_alone(name):
        reading = read_study(store, name, metric=metric)
        return reading.study, reading.runs, None
    study = store.study(name)
    return study, store.runs(study), _measured_correlation(store, study)


def _measured_correlation(store: Store, search: StudyRecord) -> float | None:
    """The mean correlation of the pairs of a confirmation, if there is one with enough seeds."""
    study = store.confirmation_of(search)
    if study is None:
        return None
    conclusion = conclude(study, store.runs(study))
    shared = [(each, [seed for seed in each.scores if seed in conclusion.host]) for each in conclusion.results]
    found = [
        compare([each.scores[seed] for seed in seeds], [conclusion.host[seed] for seed in seeds])
        for each, seeds in shared
        if seeds
    ]
    known = [comparison.correlation for comparison in found if comparison.correlation is not None]
    return sum(known) / len(known) if known else None
