"""What a study can see, from the study database."""

from __future__ import annotations

from ..choices import Plan
from ..errors import InputError
from ..store import Store
from ..study import confirmation_of
from .comparison import compare
from .confirmation import conclude
from .observed import cells_of, main_effects
from .power import measure_spread
from .power_table import power_table


__all__ = ["study_power"]


def study_power(store: Store, name: str) -> str:
    """Say which effects the screening and a confirmation of a study can see, as plain text.

    The spread over seeds is that of the repeats of the untouched host. The design is that of the runs whose plan is
    known; what the sampler has still to propose can only add to it.

    Raises:
        InputError: if there is no such study, or fewer than two of its runs of the host have ended well.
    """
    study = store.study(name)
    runs = store.runs(study)
    scores = [
        100 * run.value
        for run in runs
        if run.plan == Plan() and run.state == "complete" and run.value is not None
    ]
    if len(scores) < 2:
        raise InputError(
            f"study {name!r}: the spread over seeds needs at least 2 complete runs of the untouched host, but there "
            f"{'is' if len(scores) == 1 else 'are'} {len(scores)}"
        )
    cells = cells_of(study)
    return power_table(
        measure_spread(scores),
        len(cells),
        design=main_effects(cells, [run.plan for run in runs if run.plan is not None]),
        names=[f"{site}: {token}" for site, token in cells],
        correlation=_measured_correlation(store, name),
    )


def _measured_correlation(store: Store, name: str) -> float | None:
    """The mean correlation of the pairs of a confirmation, if there is one with enough seeds."""
    study = confirmation_of(store, name)
    if study is None:
        return None
    conclusion = conclude(study, store.runs(study))
    found = [compare(result.scores, conclusion.host) for result in conclusion.results if result.scores]
    known = [comparison.correlation for comparison in found if comparison.correlation is not None]
    return sum(known) / len(known) if known else None
