"""Trained networks out of a study: which ones to look into, and their weights from the checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from ..choices import Plan
from ..engine import OpenStudy
from ..engine.export import trained_weights
from ..errors import InputError
from ..evidence.conclusion import conclude
from ..search import best_run
from ..store import RunRecord, Store, StudyRecord

__all__ = ["Subject", "subject", "trained_network"]


@dataclass(frozen=True)
class Subject:
    """The relaxed network of a study that is worth looking into, and the hosts beside it.

    Attributes:
        study: the confirmation if a claim of it helps, else the search.
        why: how the network was chosen, for a sentence.
        runs: complete runs of the plan, the first to look into first.
        hosts: complete runs of the untouched host, with the seeds of `runs` where there are such.
    """

    study: StudyRecord
    plan: Plan
    why: str
    runs: tuple[RunRecord, ...]
    hosts: tuple[RunRecord, ...]


def subject(store: Store, name: str) -> Subject:
    """Choose the network: the confirmed claim of the largest effect, or else the best complete relaxed run.

    Raises:
        InputError: if there is no such study, or none of its complete runs is relaxed.
    """
    search = store.study(name)
    confirmation = store.confirmation_of(search)
    found = None if confirmation is None else _of_confirmation(confirmation, store)
    return found or _of_search(search, store.runs(search))


def trained_network(study: OpenStudy, run: RunRecord) -> nn.Module:
    """The network of a complete run with the weights after its last epoch, in evaluation mode, on the CPU.

    Raises:
        CheckpointError: if its checkpoint is missing or damaged.
    """
    assert run.plan is not None
    weights = trained_weights(study.store, study.record, run)["network"]
    network = study.prepared.network(run.plan, run.seed)
    network.load_state_dict(weights)
    return network.eval()


def _of_confirmation(study: StudyRecord, store: Store) -> Subject | None:
    runs = store.runs(study)
    helping = [
        (result.verdict.comparison.difference or 0.0, result)
        for result in conclude(study, runs, store.items(study)).confirmed
        if result.verdict is not None and result.plan.relaxes
    ]
    if not helping:
        return None
    _, best = max(helping, key=lambda pair: pair[0])
    own = _complete(runs, best.plan)
    seeds = {run.seed for run in own}
    hosts = [run for run in _complete(runs, Plan()) if run.seed in seeds]
    return Subject(study, best.plan, f"the confirmed claim {best.label}", tuple(own), tuple(hosts))


def _of_search(study: StudyRecord, runs: Sequence[RunRecord]) -> Subject:
    best = best_run([run for run in runs if run.plan is not None and run.plan.relaxes], study.metric)
    if best is None or best.plan is None:
        raise InputError(f"study {study.name!r} has no complete run with a relaxed site yet")
    others = [run for run in _complete(runs, best.plan) if run != best]
    why = f"the best relaxed run of the search, run {best.number}"
    return Subject(study, best.plan, why, (best, *others), tuple(_complete(runs, Plan())))


def _complete(runs: Sequence[RunRecord], plan: Plan) -> list[RunRecord]:
    return [run for run in runs if run.state == "complete" and run.plan == plan]
