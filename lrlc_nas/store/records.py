"""What leaves the store: frozen records, never rows. Of an epoch it is `lrlc_nas.runs.EpochResult`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..choices import Plan
from ..config import Metric, StudyConfig
from ..facts import EndCause, Role, RunState

__all__ = ["Claim", "NewRun", "RunRecord", "SiteRecord", "StudyRecord"]


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
        refused: name of a convolution to the reason why it is not a site.
        host_fingerprint: SHA-256 of the host's structure.
        data_fingerprint: SHA-256 of pixels, labels and splits.
        facts: what else the report tells: versions, costs of the host, sizes of the splits.
        files: the folder of the checkpoints.
        sites: the sites, in the order of the forward pass.
        parent_study_id: number of the search that a confirmation belongs to; None for a search.
        circumstance: under which a challenge tests the claims of a confirmation; empty for all other studies.
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
    parent_study_id: int | None = None
    circumstance: str = ""

    @property
    def metric(self) -> Metric:
        """What the values of its runs and epochs are."""
        return Metric.from_dict(self.facts.get("metric"))

    @property
    def is_optunas_alone(self) -> bool:
        """Whether only Optuna knows it, so that its host, its data and its training are its user's own."""
        return bool(self.facts.get("optunas_alone"))

    @property
    def epochs(self) -> int | None:
        """How many epochs a run has; None if only its training knows."""
        known: int | None = self.facts.get("epochs", self.config.recipe.epochs)
        return known


@dataclass(frozen=True)
class NewRun:
    """A run to be created.

    Attributes:
        role: what it is for.
        seed: of initialisation, order and augmentation.
        repeat: 0, 1, … where one plan is trained with several seeds; else 0.
        plan: None where the sampler decides when the run starts.
        parameters: number of trainable parameters of the planned network, if the plan is known.
        macs: multiply-accumulates per image of the planned network, if the plan is known.
        stage: of a confirmation, from 1; 0 in a search.
    """

    role: Role
    seed: int
    repeat: int = 0
    plan: Plan | None = None
    parameters: int | None = None
    macs: int | None = None
    stage: int = 0


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        run_id: our own number of it, unique in the database.
        number: its place in the study, from 0; also that of its Optuna trial, unless two raised the total at once.
        trial_id: the id of its Optuna trial; None until the trial exists.
        role, repeat, seed, stage: see `NewRun`.
        plan: None until the sampler has decided.
        parameters: number of trainable parameters; None without a plan.
        macs: multiply-accumulates per image; None without a plan.
        state: where it stands.
        reason: why it was pruned or failed, in words for people alone; empty otherwise.
        value: metric of the task after its last epoch (of the built-in task a fraction); None if there is none.
        attempt: how often it was claimed.
        worker_id: the worker that holds or held it.
        epoch: how many epochs are recorded.
        started: first claim, UTC.
        finished: end, UTC.
        facts: device, threads, precision and whatever else decides its bits; of an audited run also what the
            pruner would have done, of one that failed with its workers what they died of.
        cause: why it was pruned or failed; None otherwise.
    """

    run_id: int
    number: int
    trial_id: int | None
    role: Role
    repeat: int
    seed: int
    plan: Plan | None
    parameters: int | None
    macs: int | None
    state: RunState
    reason: str
    value: float | None
    attempt: int
    worker_id: str
    epoch: int
    started: datetime | None
    finished: datetime | None
    facts: Mapping[str, Any]
    cause: EndCause | None = None
    stage: int = 0


@dataclass(frozen=True)
class Claim:
    """A run that a worker holds.

    Attributes:
        run: as it stood when it was claimed.
        attempt: the fence token; writes that name another one are refused.
        worker_id: the worker.
        seconds: how long the lease lasts without renewal.
        crash_count: how many workers in a row have died over this run, none of which has recorded an epoch.
    """

    run: RunRecord
    attempt: int
    worker_id: str
    seconds: float
    crash_count: int = 0
