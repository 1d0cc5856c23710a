"""The Python file that rebuilds an exported network of a task of the user's."""

__all__ = ["NETWORK_PY"]

NETWORK_PY = '''"""Rebuilds the exported network: needs torch, safetensors, lrlc_nas, and the module of the task.

    python network.py            # rebuilds it and compares what it gives with what it gave

`plan.json` says which task, which plan and which epoch; `weights.safetensors` holds the weights.
"""

import importlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from lrlc_nas.layers.samples import call, tensors
from lrlc_nas.networks import relax

HERE = Path(__file__).resolve().parent


def load_task():
    """The task that the network is of."""
    module, _, name = json.loads((HERE / "plan.json").read_text())["task"].partition(":")
    return getattr(importlib.import_module(module), name)


def load_network() -> torch.nn.Module:
    """The network with its weights, in evaluation mode."""
    facts, task = json.loads((HERE / "plan.json").read_text()), load_task()
    network = relax(task.host(), facts["plan"], task.sample)
    network.load_state_dict(load_file(HERE / "weights.safetensors"))
    return network.eval()


if __name__ == "__main__":
    check = load_file(HERE / "check.safetensors")
    with torch.no_grad():
        outputs = tensors(call(load_network(), load_task().sample))
    outputs = [each for each in outputs if each.is_floating_point()]
    wanted = [check[f"output_{index}"] for index in range(len(outputs))]
    difference = max((a - b).abs().max().item() for a, b in zip(outputs, wanted, strict=True))
    print(f"largest difference from what the network gave: {difference:.1e}")
    raise SystemExit(difference > 1e-4 * max(1.0, *(each.abs().max().item() for each in wanted)))
'''
