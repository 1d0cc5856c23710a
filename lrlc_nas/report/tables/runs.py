"""The table of every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ...runs.results import EpochResult
from ...store import RunRecord
from ..numbers import NOTHING, count, percent
from .printed import Column, PrintedTable

__all__ = ["TABLE", "TrialRow", "trial_rows"]


@dataclass(frozen=True)
class TrialRow:
    """One line of the table of trials.

    Attributes:
        number: place of the run in the study.
        role: ``host``, ``single``, ``fraction`` or ``sampled``.
        plan: the sites that are not ``conv``, with their choices.
        seed: of the run.
        state: of the run.
        reason: why it was pruned or failed.
        epochs: how many were recorded.
        accuracy: on the search images, after the last epoch.
        parameters: of its network.
        macs: multiply-accumulates of its network for one image.
        seconds: training and evaluation of its recorded epochs.
    """

    number: str
    role: str
    plan: str
    seed: str
    state: str
    reason: str
    epochs: str
    accuracy: str
    parameters: str
    macs: str
    seconds: str


def trial_rows(runs: Iterable[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> list[TrialRow]:
    """One row for each run, by number.

    Args:
        runs: of the study.
        epochs: run id to its recorded epochs.
    """
    return [_trial_row(run, epochs.get(run.run_id, ())) for run in runs]


def _trial_row(run: RunRecord, epochs: Sequence[EpochResult]) -> TrialRow:
    last = epochs[-1].value if epochs else None
    return TrialRow(
        number=str(run.number),
        role=run.role,
        plan=NOTHING if run.plan is None else str(run.plan),
        seed=str(run.seed),
        state=run.state,
        reason=run.reason,
        epochs=str(len(epochs)),
        accuracy=percent(last if run.value is None else run.value),
        parameters=count(run.parameters),
        macs=count(run.macs),
        seconds=f"{sum(epoch.seconds for epoch in epochs):.1f}" if epochs else NOTHING,
    )


TABLE = PrintedTable(
    key="trials",
    title="runs and epochs",
    columns=(
        Column("Run", "number", "number"),
        Column("Role", "role"),
        Column("Plan", "plan", "name plan"),
        Column("Seed", "seed", "number"),
        Column("State", "state"),
        Column("Epochs", "epochs", "number"),
        Column("Accuracy", "accuracy", "number"),
        Column("Parameters", "parameters", "number"),
        Column("MACs", "macs", "number"),
        Column("Seconds", "seconds", "number"),
        Column("Reason", "reason", "name reason"),
    ),
    rows=lambda reading: trial_rows(reading.runs, reading.epochs),
    call="reading.runs, reading.epochs",
    note=Markup(
        "Accuracy is that on the search images after the last recorded epoch. A plan names the sites that "
        "are not <code>conv</code>. MACs are multiply-accumulates per image."
    ),
    css=lambda row: row.state,
)
