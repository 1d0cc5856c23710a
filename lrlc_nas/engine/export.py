"""Export: the best network of a study, usable without the study."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError, InputError
from ..search.best_run import best_run
from ..store import RunRecord, Store, StudyRecord
from ..tasks import Rebuild
from .files import run_checkpoints
from .lifecycle import OpenStudy, open_study

__all__ = ["Exported", "export_best", "trained_weights"]


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, the run it is from and the number of epochs its weights have seen."""

    folder: Path
    run: RunRecord
    epochs: int


def export_best(store: Store, name: str, folder: Path) -> Exported:
    """Write the best run's plan, weights and a file that rebuilds the network.

    The weights are those after the run's last epoch, the epoch that its value is of. The folder gets
    ``plan.json``, ``weights.safetensors``, ``network.py`` and ``check.safetensors`` (some images of the search
    split and the logits of the run for them).

    Raises:
        InputError: if there is no such study or no completed run, or the folder is not empty.
        CheckpointError: if the run's checkpoint is missing or damaged.
    """
    record = store.study(name)
    run = best_run(store.runs(record), record.metric)
    if run is None:
        raise InputError(f"study {name!r} has no completed run to export")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"export: {folder} exists already and is not an empty folder")
    study = open_study(store, name)
    state = trained_weights(store, record, run)
    rebuild = _rebuild(study, run, state["network"])
    folder.mkdir(parents=True, exist_ok=True)
    # safetensors refuses tensors that share memory, as tied weights do.
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in state["network"].items()}
    save_file(weights, folder / "weights.safetensors", metadata={"epoch": str(state["epoch"])})
    save_file(dict(rebuild.check), folder / "check.safetensors")
    (folder / "plan.json").write_text(json.dumps(_facts(study, run, state["epoch"], rebuild), indent=2) + "\n")
    (folder / "network.py").write_text(rebuild.source)
    return Exported(folder, run, state["epoch"] + 1)


def trained_weights(store: Store, record: StudyRecord, run: RunRecord) -> dict[str, Any]:
    """The checkpoint of a run's last epoch, with its weights under ``network``.

    Raises:
        CheckpointError: if it is missing or damaged.
    """
    checkpoints = run_checkpoints(store, record, run)
    state = checkpoints.load_newest()
    if state is None or state["epoch"] != run.epoch - 1:
        raise CheckpointError(f"run {run.number}: no usable checkpoint of its last epoch in {checkpoints.folder}")
    return state


def _rebuild(study: OpenStudy, run: RunRecord, weights: dict[str, Tensor]) -> Rebuild:
    assert run.plan is not None
    network = study.prepared.network(run.plan, run.seed)
    network.load_state_dict(weights)
    return study.prepared.task.rebuild(network)


def _facts(study: OpenStudy, run: RunRecord, epoch: int, rebuild: Rebuild) -> dict[str, Any]:
    assert run.plan is not None
    return {
        "study": study.record.name,
        "run": run.number,
        "plan": run.plan.tokens,
        "weights_after_epoch": epoch + 1,
        "metric": study.record.metric.name,
        "search_value": run.value,
        "seed": run.seed,
        "parameters": run.parameters,
        "macs": run.macs,
        **rebuild.facts,
    }
