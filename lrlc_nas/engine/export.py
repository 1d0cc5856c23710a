"""Export: the best network of a study, usable without the study."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..errors import CheckpointError, InputError
from ..search.best_run import best_run
from ..store import RunRecord, Store, StudyRecord
from ..training import predict_logits
from .files import run_checkpoints
from .lifecycle import OpenStudy, open_study


__all__ = ["Exported", "export_best", "trained_weights"]

_CHECK_IMAGES = 16

_NETWORK_PY = '''"""Rebuilds the exported network: needs torch, torchvision, safetensors and lrlc_nas.

    python network.py            # rebuilds it and compares its logits with those of the trial

`plan.json` says which host, which plan and which epoch; `weights.safetensors` holds the weights.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from lrlc_nas.networks.hosts import build_host
from lrlc_nas.networks import relax


HERE = Path(__file__).resolve().parent


def load_network() -> torch.nn.Module:
    """The network with its weights, in evaluation mode; it takes images as `preprocess` gives them."""
    facts = json.loads((HERE / "plan.json").read_text())
    channels, height, width = facts["image_shape"]
    host = build_host(
        facts["host"]["name"],
        channels=channels,
        classes=len(facts["classes"]),
        size=(height, width),
        options=facts["host"]["options"],
    )
    network = relax(host, facts["plan"], torch.zeros(1, channels, height, width))
    network.load_state_dict(load_file(HERE / "weights.safetensors"))
    return network.eval()


def preprocess(images: torch.Tensor) -> torch.Tensor:
    """Pixels uint8 (B, C, H, W) to what the network was trained on."""
    facts = json.loads((HERE / "plan.json").read_text())
    mean = torch.tensor(facts["mean"]).view(1, -1, 1, 1)
    std = torch.tensor(facts["std"]).view(1, -1, 1, 1)
    return (images.float() / 255 - mean) / std


if __name__ == "__main__":
    check = load_file(HERE / "check.safetensors")
    with torch.no_grad():
        logits = load_network()(preprocess(check["images"]))
    difference = (logits - check["logits"]).abs().max().item()
    print(f"largest difference from the logits of the trial: {difference:.1e}")
    raise SystemExit(difference > 1e-5 * max(1.0, check["logits"].abs().max().item()))
'''


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, the run it is from and the number of epochs its weights have seen."""

    folder: Path
    run: RunRecord
    epochs: int


def export_best(store: Store, name: str, folder: Path) -> Exported:
    """Write the best run's plan, weights and a file that rebuilds the network.

    The weights are those after the run's last epoch, the epoch that its accuracy is of. The folder gets
    ``plan.json``, ``weights.safetensors``, ``network.py`` and ``check.safetensors`` (some images of the search
    split and the trial's logits for them).

    Raises:
        InputError: if there is no such study or no completed run, or the folder is not empty.
        CheckpointError: if the run's checkpoint is missing or damaged.
    """
    record = store.study(name)
    run = best_run(store.runs(record))
    if run is None:
        raise InputError(f"study {name!r} has no completed run to export")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"export: {folder} exists already and is not an empty folder")
    study = open_study(store, name)
    state = trained_weights(store, record, run)
    check = _check(study, run, state["network"])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        _plain(state["network"]), folder / "weights.safetensors", metadata={"epoch": str(state["epoch"])}
    )
    save_file(check, folder / "check.safetensors")
    (folder / "plan.json").write_text(json.dumps(_facts(study, run, state["epoch"]), indent=2) + "\n")
    (folder / "network.py").write_text(_NETWORK_PY)
    return Exported(folder, run, state["epoch"] + 1)


def trained_weights(store: Store, record: StudyRecord, run: RunRecord) -> dict[str, Any]:
    """The checkpoint of a run's last epoch, with its weights under ``network``.

    Raises:
        CheckpointError: if it is missing or damaged.
    """
    checkpoints = run_checkpoints(store, record, run)
    state = checkpoints.load_newest()
    if state is None or state["epoch"] != run.epoch - 1:
        raise CheckpointError(
            f"trial {run.slot}: no usable checkpoint of its last epoch in {checkpoints.folder}"
        )
    return state


def _check(study: OpenStudy, run: RunRecord, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    assert run.plan is not None
    splits = study.prepared.splits
    network = study.prepared.network(run.plan, run.seed)
    network.load_state_dict(weights)
    images = splits.search.images[:_CHECK_IMAGES]
    logits = predict_logits(network, images, mean=splits.mean, std=splits.std, precision="float32")
    return {"images": images.contiguous(), "logits": logits.contiguous()}


def _plain(state: dict[str, Tensor]) -> dict[str, Tensor]:
    # safetensors refuses tensors that share memory, as tied weights do.
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
    }


def _facts(study: OpenStudy, run: RunRecord, epoch: int) -> dict[str, Any]:
    assert run.plan is not None
    config, splits = study.prepared.config, study.prepared.splits
    return {
        "study": study.record.name,
        "trial": run.slot,
        "plan": run.plan.tokens,
        "host": config.host.model_dump(mode="json"),
        "weights_after_epoch": epoch + 1,
        "search_accuracy": run.value,
        "seed": run.seed,
        "parameters": run.parameters,
        "macs": run.macs,
        "image_shape": list(study.prepared.images.images.shape[1:]),
        "classes": list(study.prepared.images.classes),
        "mean": list(splits.mean),
        "std": list(splits.std),
    }
