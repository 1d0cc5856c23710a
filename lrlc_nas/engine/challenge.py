"""The challenge of a confirmed gain: host, claim and best control again, on fresh seeds, under other circumstances.

Each variant of a circumstance is a study of its own beside the confirmation, so that the same workers claim its runs,
resume them and survive with them. `lrlc_nas.evidence.challenge` says what is concluded.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..config import ClaimSection, StudyConfig
from ..errors import InputError
from ..evidence.challenge import seeds_for_challenge
from ..evidence.conclusion import ClaimResult, Conclusion
from ..store import Store, StudyRecord
from ..tasks.circumstances import Circumstance, changed
from .concluding import conclusion_of
from .confirmation_runs import free_name, pair_of_runs
from .lifecycle import OpenStudy, add_study, open_study, resume_study
from .preparation import prepare

__all__ = ["PlannedChallenge", "plan_challenges", "start_challenge"]


@dataclass(frozen=True)
class PlannedChallenge:
    """One variant of a circumstance that claims shall be tested under.

    Attributes:
        search: the study whose claims these are.
        name: of the circumstance.
        variant: of the circumstance; empty where it has one alone.
        text: what is different, in words.
        config: of the study that trains it; its confirmation section names claims and controls.
        runs: how many runs that is.
        seconds: of one worker, about, as the runs of the confirmation took; None where none has told.
        present: the name of the study, where there is one already.
    """

    search: StudyRecord
    name: str
    variant: str
    text: str
    config: StudyConfig
    runs: int
    seconds: float | None
    present: str = ""

    @property
    def key(self) -> str:
        """Circumstance and variant, as the store knows the study."""
        return f"{self.name}/{self.variant}" if self.variant else self.name


def plan_challenges(
    store: Store, name: str, only: Sequence[str] = (), seeds: int | None = None
) -> tuple[PlannedChallenge, ...]:
    """Say what a challenge of the confirmed claims of a study would train; writes nothing.

    Args:
        store: the study database.
        name: of the search.
        only: names of circumstances; all that the task has if empty.
        seeds: for each arm; by default as many as tell, in four of five cases, a gain that is there from one of which
            half is gone, from 3 to 10.

    Raises:
        InputError: if there is no confirmation or it has runs to go, nothing in it helps, or the task has no such
            circumstance.
    """
    confirmation, conclusion = conclusion_of(store, name)
    if conclusion.open_runs:
        raise InputError(
            f"the confirmation of study {name!r} has {conclusion.open_runs} runs to go; "
            f"'lrlc-nas confirm {name}' trains them before a claim can be challenged"
        )
    if not conclusion.confirmed:
        raise InputError(f"study {name!r} has nothing to challenge: no claim of it helps")
    study = open_study(store, confirmation.name)
    chosen = _chosen(study, only)
    seeds = seeds_for_challenge(conclusion) if seeds is None else seeds
    took = _seconds(store, confirmation)
    search = store.study(name)
    planned = []
    for circumstance, about in chosen.items():
        for variant, sections in about.variants.items():
            config = _config(study, conclusion, circumstance, variant, changed(confirmation.config, sections))
            runs = seeds * len(config.confirmed.arms)
            seconds = None if took is None else runs * took * about.cost
            there = _text(about, variant)
            each = PlannedChallenge(search, circumstance, variant, there, config, runs, seconds)
            planned.append(_as_present(store, each))
    return tuple(planned)


def start_challenge(store: Store, planned: PlannedChallenge) -> OpenStudy:
    """Create the study of a planned challenge, or take up the one that is there.

    Raises:
        InputError: if its network, images or training cannot be made; nothing is written then.
    """
    if planned.present:
        return resume_study(store, planned.present)
    name = free_name(store, planned.search.name, planned.key)
    config = planned.config.model_copy(update={"name": name})
    try:
        prepared = prepare(config)
        for plan in config.confirmed.arms:
            prepared.network(plan, config.seed)
    except InputError as error:
        raise InputError(f"challenge {planned.key!r}: {error}") from None
    arms = config.confirmed.arms
    runs = [run for pair in range(planned.runs // len(arms)) for run in pair_of_runs(prepared, arms, pair, 1)]
    facts = {"circumstance": planned.text}
    return add_study(store, prepared, runs, facts, parent=planned.search, circumstance=planned.key)


def _chosen(study: OpenStudy, only: Sequence[str]) -> Mapping[str, Circumstance]:
    known = study.prepared.task.circumstances
    if not known:
        raise InputError(
            f"task {study.record.config.task.name!r} names no circumstances to challenge its claims under: "
            "Task(challenges={'longer': {...}})"
        )
    unknown = [name for name in only if name not in known]
    if unknown:
        raise InputError(f"no circumstance {unknown[0]!r}; this study has {', '.join(known)}")
    return {name: about for name, about in known.items() if not only or name in only}


def _config(
    study: OpenStudy, conclusion: Conclusion, circumstance: str, variant: str, config: StudyConfig
) -> StudyConfig:
    claims = tuple(map(_claim, conclusion.confirmed))
    section = study.record.config.confirmed.model_copy(
        update={"claims": claims, "family": len(claims), "notes": (), "circumstance": circumstance, "variant": variant}
    )
    return config.model_copy(update={"confirmation": section.model_copy(update={"together": True})})


def _claim(result: ClaimResult) -> ClaimSection:
    """The claim beside the control that comes closest to it."""
    gaps = {label: found.difference for label, found in result.against.items() if found.difference is not None}
    best = min(gaps, key=lambda label: gaps[label], default=None)
    controls = {} if best is None else {best: dict(result.controls[best].tokens)}
    return ClaimSection(label=result.label, plan=dict(result.plan.tokens), controls=controls)


def _as_present(store: Store, planned: PlannedChallenge) -> PlannedChallenge:
    """What is there already stays as it was settled."""
    there = store.confirmation_of(planned.search, planned.key)
    if there is None:
        return planned
    left = sum(run.finished is None for run in store.runs(there))
    seconds = None if planned.seconds is None else planned.seconds * left / planned.runs
    return PlannedChallenge(
        planned.search, planned.name, planned.variant, planned.text, there.config, left, seconds, there.name
    )


def _text(about: Circumstance, variant: str) -> str:
    return f"{about.text}: {variant}" if variant else about.text


def _seconds(store: Store, confirmation: StudyRecord) -> float | None:
    took = [
        (run.finished - run.started).total_seconds()
        for run in store.runs(confirmation)
        if run.finished and run.started and run.state == "complete"
    ]
    return statistics.median(took) if took else None
