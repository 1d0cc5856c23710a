"""The Python file that rebuilds an exported classification network."""

__all__ = ["NETWORK_PY"]

NETWORK_PY = '''"""Rebuilds the exported network: needs torch, torchvision, safetensors and lrlc_nas.

    python network.py            # rebuilds it and compares its logits with those of the run

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
    print(f"largest difference from the logits of the run: {difference:.1e}")
    raise SystemExit(difference > 1e-5 * max(1.0, check["logits"].abs().max().item()))
'''
