"""The global random numbers of torch, NumPy and Python, as a training of the user's draws them."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..layers import random_state

__all__ = ["restore_random_numbers", "saved_random_numbers", "seeded"]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed inside the block, and go on afterwards as if nothing had been drawn."""
    python, numpy = random.getstate(), _numpy_state()
    try:
        with random_state(seed, device):
            random.seed(seed)
            if (module := _numpy()) is not None:
                module.seed(seed % 2**32)
            yield
    finally:
        random.setstate(python)
        _set_numpy_state(numpy)


def saved_random_numbers(device: torch.device) -> dict[str, Any]:
    """Where the generators stand, as tensors and plain values."""
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return {"torch": torch.get_rng_state(), "cuda": cuda, "python": random.getstate(), "numpy": _numpy_state()}


def restore_random_numbers(saved: dict[str, Any]) -> None:
    """Put the generators where they stood."""
    torch.set_rng_state(saved["torch"])
    if saved["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(saved["cuda"])
    random.setstate(saved["python"])
    _set_numpy_state(saved["numpy"])


def _numpy() -> Any:
    """NumPy's random numbers, if anybody uses them."""
    return sys.modules.get("numpy.random")


def _numpy_state() -> tuple[Any, ...] | None:
    module = _numpy()
    if module is None:
        return None
    name, keys, *rest = module.get_state()
    return (str(name), keys.tolist(), *map(float, rest))


def _set_numpy_state(state: tuple[Any, ...] | None) -> None:
    if state is not None and (module := _numpy()) is not None:
        name, keys, position, has_gauss, gauss = state
        module.set_state((name, keys, int(position), int(has_gauss), gauss))
