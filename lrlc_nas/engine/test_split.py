"""The test split: read by one function, which records that it does before it does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch

from ..choices import Plan
from ..errors import InputError
from ..facts import RunState
from ..store import RunRecord, Store, TestOpening, add_test_opening, record_results, test_openings
from .export import trained_weights
from .lifecycle import OpenStudy

__all__ = ["completed_runs", "open_test"]


def open_test(
    store: Store,
    study: OpenStudy,
    arms: Mapping[str, Plan],
    seeds: Collection[int],
    *,
    device: torch.device | str = "cpu",
) -> TestOpening:
    """Measure the trained networks of some arms of a confirmation on the test split.

    The opening is in the database before a sample is read, and stays there whatever happens then. The results are
    ``{"values": {label: {seed: value}}}``.

    Args:
        store: the study database.
        study: a confirmation.
        arms: label to plan; each must have been trained.
        seeds: those that the verdicts rest on; networks of other seeds are left alone.
        device: where to compute.

    Raises:
        InputError: if an arm has no completed run, or the task cannot score the test split.
        CheckpointError: if weights are missing or damaged; before the opening, where that can be told.
    """
    study.prepared.task.require_test()
    trained = completed_runs(store.runs(study.record), arms, seeds)
    for run in {run.run_id: run for runs in trained.values() for run in runs}.values():
        trained_weights(store, study.record, run)  # and let go of: together they may not fit into the memory
    subject = {"arms": {label: plan.tokens for label, plan in arms.items()}}
    opening = add_test_opening(store, study.record, subject)
    values = {label: {str(run.seed): _value(study, run, device) for run in runs} for label, runs in trained.items()}
    record_results(store, opening, {"values": values})
    return next(each for each in test_openings(store, study.record) if each.opening_id == opening.opening_id)


def completed_runs(
    runs: Sequence[RunRecord], arms: Mapping[str, Plan], seeds: Collection[int]
) -> dict[str, list[RunRecord]]:
    """Label of each arm to its completed runs with these seeds.

    Raises:
        InputError: if an arm has none.
    """
    complete = [run for run in runs if run.state == RunState.COMPLETE and run.seed in seeds]
    trained = {label: [run for run in complete if run.plan == plan] for label, plan in arms.items()}
    for label, found in trained.items():
        if not found:
            raise InputError(f"{label}: no completed run to test")
    return trained


def _value(study: OpenStudy, run: RunRecord, device: torch.device | str) -> float:
    assert run.plan is not None
    network = study.prepared.network(run.plan, run.seed)
    network.load_state_dict(trained_weights(study.store, study.record, run)["network"])
    return study.prepared.task.score(network, "test", device)
