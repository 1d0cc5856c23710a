"""What a study can see, from the study database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..choices import Plan
from ..config import Metric
from ..errors import InputError
from ..evidence import Screening, screen
from ..evidence.claims import claims_worth_testing, shrunken
from ..evidence.comparison import compare
from ..evidence.conclusion import conclude
from ..evidence.design_matrix import Cell, cells_of, main_effects, observe
from ..evidence.missing import Matrix
from ..evidence.power import Spread, measure_spread, screening_power, spread_of_residuals
from ..facts import RunState
from ..runs.results import EpochResult
from ..store import RunRecord, Store, StudyRecord
from .power_lines import claim_powers, power_lines
from .power_table import power_table
from .reading import plan_scores, read_study

__all__ = ["measured_spread", "screening_design", "study_power"]

_Epochs = Mapping[int, Sequence[EpochResult]]


def study_power(store: Store, name: str, metric: Metric | str | None = None, *, table: bool = False) -> str:
    """Say what the claims of a study take to be confirmed, and what its screening can see; `metric` as `read_study`.

    Args:
        store: the study database.
        name: of the study.
        metric: what the values of an Optuna study are.
        table: give the smallest effects for many numbers of seeds instead, in place of a sentence for each claim.

    Raises:
        InputError: if there is no such study, or its runs tell nothing of the spread over seeds.
    """
    study, runs, epochs, correlation = _records(store, name, metric)
    screening = screen(study, runs, epochs)
    spread, cells = measured_spread(study, runs, screening), cells_of(study)
    design = screening_design(cells, runs)
    if table:
        names = [f"{site}: {token}" for site, token in cells]
        return power_table(spread, len(cells), design=design, names=names, correlation=correlation, metric=study.metric)
    powers = claim_powers(
        _claims(study, screening), spread, correlation=correlation or 0.0, seconds_per_run=_seconds(runs, epochs)
    )
    return "\n".join(power_lines(spread, powers, screening_power(design, spread.sd), study.metric))


def measured_spread(study: StudyRecord, runs: Sequence[RunRecord], screening: Screening) -> Spread:
    """The spread over seeds by whatever tells it best: the residuals of the screening, or the runs of the host.

    The residuals hold what the repeats of the host tell and more, but where runs are fewer they have no degrees of
    freedom. Where effects do not add up, that is in them too, and they overstate the spread.

    Raises:
        InputError: if neither tells it.
    """
    scores = [score for _, score in plan_scores(study.metric, runs, Plan())]
    if screening.residual_sd and screening.degrees_of_freedom >= max(1, len(scores) - 1):
        return spread_of_residuals(screening.residual_sd, screening.degrees_of_freedom, screening.runs_used)
    if len(scores) < 2:
        raise InputError(
            f"study {study.name!r}: the spread over seeds needs more complete runs than the study has effects, or at "
            f"least 2 complete runs of the untouched host, but there {'is' if len(scores) == 1 else 'are'} "
            f"{len(scores)}"
        )
    return measure_spread(scores)


def _claims(study: StudyRecord, screening: Screening) -> dict[str, tuple[Plan, float]]:
    """The claims worth testing, each with the gain to expect of it on fresh seeds."""
    try:
        claims = claims_worth_testing(study, screening)
    except InputError:
        return {}
    gains = shrunken(screening)
    sums = {label: sum(gains.get(cell, 0.0) for cell in plan.tokens.items()) for label, plan in claims.items()}
    return {label: (claims[label], effect) for label, effect in sums.items() if effect > 0}


def _seconds(runs: Sequence[RunRecord], epochs: _Epochs) -> float | None:
    """What a complete run took of one worker, in the mean."""
    complete = [run.run_id for run in runs if run.state == RunState.COMPLETE]
    taken = [sum(epoch.seconds for epoch in epochs.get(run_id, ())) for run_id in complete]
    return sum(taken) / len(taken) if any(taken) else None


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
) -> tuple[StudyRecord, Sequence[RunRecord], _Epochs, float | None]:
    """A study, its runs, their epochs, and the correlation of the pairs of its confirmation, if it was measured."""
    if store.is_optunas_alone(name):
        reading = read_study(store, name, metric=metric)
        return reading.study, reading.runs, reading.epochs, None
    study = store.study(name)
    return study, store.runs(study), store.epochs(study), _measured_correlation(store, study)


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
