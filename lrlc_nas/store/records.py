"""What leaves the store: frozen records, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..choices import Plan
from ..config import StudyConfig


__all__ = ["STATES", "Claim", "EpochRecord", "NewRun", "RunRecord", "SiteRecord", "StudyRecord"]

STATES = ("waiting", "running", "complete", "pruned", "failed")
"""The states of a run; the last three are final."""


@dataclass(frozen=True)
class SiteRecord:
    """One site of a study's host.

    Attributes:
        name: the qualified name of the convolution.
        geometry: the fields of `lrlc_nas.networks.Site` as plain JSON values.
    """

    name: str
    geometry: Mapping[str, Any]


@dataclass(frozen=True)
class StudyRecord:
    """One study.

    Attributes:
        study_id: our own number of it.
        name: unique in its database.
        created: when, UTC.
        trials: the total number of runs, the budget.
        config: all that the user wrote.
        space: site name to the tokens that the search may choose there, ``conv`` first.
        left_out: site name to {token: why it is not in the space}.
        refused: name of a convolution to the reason why it is no site.
        host_fingerprint: SHA-256 of the host's structure.
        data_fingerprint: SHA-256 of pixels, labels and splits.
        facts: what else the report tells: versions, costs of the host, sizes of the splits.
        files: the folder of the checkpoints.
        sites: the sites, in the order of the forward pass.
    """

    study_id: int
    name: str
    created: datetime
    trials: int
    config: StudyConfig
    space: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, Mapping[str, str]]
    refused: Mapping[str, str]
    host_fingerprint: str
    data_fingerprint: str
    facts: Mapping[str, Any]
    files: str
    sites: tuple[SiteRecord, ...]


@dataclass(frozen=True)
class NewRun:
    """A run to be created.

    Attributes:
        role: ``host``, ``single``, ``fraction`` (these three are the balanced block) or ``sampled``.
        seed: of initialisation, order and augmentation.
        repeat: 0, 1, … where one plan is trained with several seeds; else 0.
        plan: None where the sampler decides when the run starts.
        parameters: number of trainable parameters of the planned network, if the plan is known.
        macs: multiply-accumulates per image of the planned network, if the plan is known.
    """

    role: str
    seed: int
    repeat: int = 0
    plan: Plan | None = None
    parameters: int | None = None
    macs: int | None = None


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        run_id: our own number of it, unique in the database.
        slot: its place in the study, from 0; also the number of its Optuna trial, unless two processes have
            raised the total at once.
        trial_id: the id of its Optuna trial; None until the trial exists.
        role: see `NewRun`.
        repeat: see `NewRun`.
        seed: see `NewRun`.
        plan: None until the sampler has decided.
        parameters: number of trainable parameters; None without a plan.
        macs: multiply-accumulates per image; None without a plan.
        state: one of `STATES`.
        reason: why it was pruned or failed; empty otherwise.
        value: accuracy on the search split after its last epoch, as a fraction; None if there is none.
        attempt: how often it was claimed.
        owner: the worker that holds or held it.
        epoch: how many epochs are recorded.
        started: first claim, UTC.
        finished: end, UTC.
        facts: device, threads, precision and whatever else decides its bits; of an audited run also what the
            pruner would have done, of one that failed with its workers what they died of.
    """

    run_id: int
    slot: int
    trial_id: int | None
    role: str
    repeat: int
    seed: int
    plan: Plan | None
    parameters: int | None
    macs: int | None
    state: str
    reason: str
    value: float | None
    attempt: int
    owner: str
    epoch: int
    started: datetime | None
    finished: datetime | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of a run.

    Attributes:
        run_id: of which run.
        epoch: from 0.
        train_loss: mean cross-entropy over the epoch's training batches, in nats.
        train_accuracy: fraction of the training images that were classified right while training.
        loss: mean cross-entropy on the search split, in nats.
        accuracy: accuracy on the search split, a fraction.
        learning_rate: at the last step.
        seconds: training and evaluation, on a monotonic clock.
        images_per_second: training images per second of training.
    """

    run_id: int
    epoch: int
    train_loss: float
    train_accuracy: float
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True)
class Claim:
    """A run that a worker holds.

    Attributes:
        run: as it stood when it was claimed.
        attempt: the fence token; writes that name another one are refused.
        owner: the worker.
        seconds: how long the lease lasts without renewal.
        deaths: how many workers in a row have died over this run, none of which has recorded an epoch.
    """

    run: RunRecord
    attempt: int
    owner: str
    seconds: float
    deaths: int = 0
