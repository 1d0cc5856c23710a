"""Torch's global random numbers, taken aside and put back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["random_state"]

_LOCK = threading.RLock()


@contextmanager
def random_state(seed: int | None = None, device: torch.device | None = None) -> Iterator[None]:
    """Draw from global generators whose states are put back after the block, from `seed` if there is one.

    It serves what takes no generator, such as initialisation and dropout. Only the CPU and `device` are touched:
    `torch.manual_seed` would reseed every other CUDA device as well. The generators belong to the whole process, so of
    two threads in such blocks the second one waits; threads that draw outside of them are not held back.
    """
    cuda = device is not None and device.type == "cuda"
    with _LOCK, torch.random.fork_rng(devices=[device] if cuda else []):
        if seed is not None:
            torch.default_generator.manual_seed(seed)
            if cuda:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
        yield
