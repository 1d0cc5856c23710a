"""The weights of a host that was trained before: what its convolutions relax from."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import InputError

__all__ = ["how_layers_start", "load_weights"]


def load_weights(host: nn.Module, path: str) -> nn.Module:
    """Give a host the weights of a safetensors file, all of them; it is changed and returned.

    Raises:
        InputError: if the file cannot be read, or its names or shapes are not those of the host.
    """
    try:
        weights = load_file(Path(path).expanduser())
    except (OSError, SafetensorError) as error:
        raise InputError(f"host.weights: cannot read {path} as safetensors: {error}") from None
    wanted = {name: tuple(value.shape) for name, value in host.state_dict().items()}
    came = {name: tuple(value.shape) for name, value in weights.items()}
    for name in wanted | came:
        if wanted.get(name) != came.get(name):
            raise InputError(
                f"host.weights: {path} does not fit the host: {name} must be {wanted.get(name, 'absent')}, but is "
                f"{came.get(name, 'absent')}"
            )
    host.load_state_dict(weights)
    return host


def how_layers_start(init: str, trained: bool) -> str:
    """One sentence for people: what relaxed layers are before training."""
    host = "a host that was trained before" if trained else "an untrained host"
    start = "as the function of its convolutions" if init == "host" else "with fresh random weights"
    return f"Relaxed layers start in {host}, {start} (init {init})."
