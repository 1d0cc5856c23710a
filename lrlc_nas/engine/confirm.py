"""From a search to its confirmation: started with the claims worth testing, gone on with, or given more seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ..choices import Plan
from ..config import ACCURACY
from ..errors import InputError
from ..evidence.claims import claims_worth_testing, expected_seeds
from ..evidence.effects import Screening, screen
from ..store import RunRecord, Store, StudyRecord, TestOpening, test_openings
from .concluding import conclusion_of
from .confirmation_runs import PlannedConfirmation, add_seeds, plan_confirmation
from .lifecycle import OpenStudy, open_study, resume_study
from .test_split import completed_runs, open_test

__all__ = ["SMALLEST_EFFECT", "confirmation_to_run", "measure_sealed", "new_confirmation"]

FEWEST_SEEDS, MOST_SEEDS = 8, 10
"""For each arm of a new confirmation, where no budget says otherwise: as many between them as its claims take."""

SMALLEST_EFFECT = 0.3


def confirmation_to_run(
    store: Store,
    name: str,
    claims: Mapping[str, Plan],
    *,
    seeds: int | None = None,
    smallest_effect: float | None = None,
    budget: int | None = None,
    device: torch.device | str = "cpu",
) -> OpenStudy:
    """Start the confirmation of a study, go on with it, or add seeds to it.

    Args:
        store: the study database.
        name: of the search.
        claims: label to plan; those worth testing if empty.
        seeds: how many in all; see `new_confirmation` for a new one, and no more than there are for one that exists.
        smallest_effect: in the unit of the metric; 0.3 points for a new confirmation of accuracy, else required.
        budget: the most runs of a new confirmation.
        device: where latencies are measured.

    Raises:
        InputError: if there is no such study, nothing to confirm, or what was settled is to be changed.
    """
    found = store.confirmation_of(store.study(name))
    if found is None:
        return new_confirmation(
            store, name, claims, seeds=seeds, smallest_effect=smallest_effect, budget=budget, device=device
        ).start()
    confirmation = resume_study(store, found.name)
    _require_same(confirmation, claims, smallest_effect)
    runs = store.runs(confirmation.record)
    present = len({run.repeat for run in runs})
    return add_seeds(store, confirmation, seeds) if seeds is not None and seeds != present else confirmation


def new_confirmation(
    store: Store,
    name: str,
    claims: Mapping[str, Plan],
    *,
    seeds: int | None = None,
    smallest_effect: float | None = None,
    budget: int | None = None,
    device: torch.device | str = "cpu",
) -> PlannedConfirmation:
    """Plan the confirmation of a study that has none; nothing is written. Arguments as `confirmation_to_run`.

    Without `seeds` they are those that find each claim, at the gain to expect of it on fresh seeds, with probability
    80 %: from 8 to 10, or with a budget as many as it allows.
    """
    study = store.study(name)
    screening = screen(study, store.runs(study), store.epochs(study))
    delta = _delta(study, smallest_effect)
    chosen = claims or claims_worth_testing(study, screening, delta)

    def number(arms: int) -> int:
        return seeds if seeds is not None else _seeds(screening, chosen, arms, budget)

    return plan_confirmation(store, name, chosen, number, smallest_effect=delta, device=device)


def _seeds(screening: Screening, claims: Mapping[str, Plan], arms: int, budget: int | None) -> int:
    needed = max(expected_seeds(screening, claims).values(), default=FEWEST_SEEDS)
    if budget is None:
        return min(MOST_SEEDS, max(FEWEST_SEEDS, needed))
    if budget < 2 * arms:
        raise InputError(f"--budget: {arms} arms take at least {2 * arms} runs, 2 seeds each, but got {budget}")
    return min(budget // arms, max(FEWEST_SEEDS, needed))


def _delta(study: StudyRecord, smallest_effect: float | None) -> float:
    if smallest_effect is None and study.metric != ACCURACY:
        raise InputError(
            f"--smallest-effect is required for the metric {study.metric.name!r}: a smaller difference, in "
            f"{study.metric.unit or 'its own numbers'}, does not matter to you. Only accuracy has a default, "
            f"{SMALLEST_EFFECT:g} points"
        )
    return SMALLEST_EFFECT if smallest_effect is None else smallest_effect


def measure_sealed(store: Store, name: str, *, device: torch.device | str = "cpu", again: bool = False) -> TestOpening:
    """Open the test split for the confirmed claims of a study, once.

    Each is measured beside the host and the controls that it beats. Where the same arms with the same seeds were
    measured before, that opening is returned and the images stay closed, unless `again` is on.

    Raises:
        InputError: if a stage of the confirmation has not ended, or nothing is confirmed.
    """
    record, conclusion = conclusion_of(store, name)
    if conclusion.open_runs:
        raise InputError(
            f"the confirmation of study {name!r} has {conclusion.open_runs} runs to go, and its verdicts may "
            f"change; 'lrlc-nas confirm {name}' trains them; the test split stays closed"
        )
    if not conclusion.confirmed:
        raise InputError(f"study {name!r} has nothing to test: no claim of it helps; the test split stays closed")
    arms = {"host": Plan()}
    for result in conclusion.confirmed:
        assert result.verdict is not None
        arms[result.label] = result.plan
        arms |= {f"{result.label}, control {label}": result.controls[label] for label in result.verdict.beats}
    trained = completed_runs(store.runs(record), arms, conclusion.seeds)
    before = [opening for opening in test_openings(store, record) if _covers(opening, trained)]
    if before and not again:
        return before[-1]
    return open_test(store, open_study(store, record.name), arms, conclusion.seeds, device=device)


def _require_same(study: OpenStudy, claims: Mapping[str, Plan], smallest_effect: float | None) -> None:
    section = study.prepared.config.confirmed
    settled = {Plan.of(claim.plan) for claim in section.claims}
    new = [label for label, plan in claims.items() if plan not in settled]
    if new:
        raise InputError(
            f"study {section.of!r} has a confirmation already, of {', '.join(c.label for c in section.claims)}; its "
            f"claims were settled before the first look, so {new[0]!r} cannot be added"
        )
    if smallest_effect is not None and smallest_effect != section.smallest_effect:
        settled_as = study.record.metric.amount(section.smallest_effect)
        raise InputError(
            f"the smallest effect of this confirmation was settled as {settled_as} before its "
            f"first look, and cannot become {smallest_effect:g}"
        )


def _covers(opening: TestOpening, trained: Mapping[str, Sequence[RunRecord]]) -> bool:
    return all({str(run.seed) for run in runs} <= set(opening.values.get(arm, {})) for arm, runs in trained.items())
