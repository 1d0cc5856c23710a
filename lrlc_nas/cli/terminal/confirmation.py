"""What a confirmation would train, and what could be seen with that, before anything is written."""

from __future__ import annotations

from math import sqrt

from rich.console import Console

from ...engine.confirmation_runs import PlannedConfirmation
from ...evidence.claims import expected_seeds
from ...evidence.effects import Screening, screen
from ...evidence.sequential import alpha_of_look
from ...evidence.t_power import SEEDS_CAP, sd_of_difference, visible_effect
from .words import duration, plain

__all__ = ["print_confirmation_plan"]


def print_confirmation_plan(out: Console, planned: PlannedConfirmation, workers: int) -> None:
    """Print claims, arms, runs and time, and what can be seen with that."""
    study = planned.study.record
    store, section = planned.study.store, planned.prepared.config.confirmed
    runs, epochs = store.runs(study), store.epochs(study)
    complete = [run.run_id for run in runs if run.state == "complete" and run.run_id in epochs]
    took = [sum(each.seconds for each in epochs[run]) for run in complete]
    number, arms = planned.seeds * len(planned.arms), len(planned.arms)
    time = duration(number * sum(took) / len(took) if took else None, workers)
    screening = screen(study, runs, epochs)
    needed = expected_seeds(screening, {claim.label: claim.as_plan for claim in section.claims})
    for claim in section.claims:
        controls = ", ".join(claim.controls) or "no control"
        seeds = "" if claim.label not in needed else f"; {_number(needed[claim.label])} would find what to expect of it"
        out.print(plain(f"claim {claim.label}, beside the host and {controls}{seeds}"), soft_wrap=True)
    each = f"{planned.seeds} seeds for each of {arms} arms"
    out.print(plain(f"{each}: {number} runs, {time} with {workers} workers"))
    out.print(plain(_visible(planned, screening)), soft_wrap=True)


def _number(seeds: int) -> str:
    return f"{SEEDS_CAP} seeds or more" if seeds >= SEEDS_CAP else f"{seeds} seeds"


def _visible(planned: PlannedConfirmation, screening: Screening) -> str:
    metric, section = planned.study.record.metric, planned.prepared.config.confirmed
    if not screening.residual_sd or planned.seeds < 2:
        return "what can be seen is not known, because the search tells no spread over seeds"
    error = sd_of_difference(screening.residual_sd) / sqrt(planned.seeds)
    seen = visible_effect(error, planned.seeds - 1, alpha_of_look(1) / section.family)
    return (
        f"that finds a difference of {metric.amount(seen)} in four of five cases, if samples add nothing to its error"
    )
