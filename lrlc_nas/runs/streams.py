"""Streams of random numbers that are functions of a seed and a name.

A run draws from several streams: ``init``, ``order``, ``augmentation``, ``dropout``. Each is seeded anew from
the run's seed, its name and the epoch, so that no stream depends on how much another one has drawn, and a
checkpoint need not hold the state of any generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..layers import random_state
from .seeds import stream_seed

__all__ = ["global_stream", "stream"]


def stream(seed: int, *names: str | int) -> torch.Generator:
    """Make a CPU generator at the start of a stream; the device of the run does not change what it draws."""
    return torch.Generator().manual_seed(stream_seed(seed, *names))


@contextmanager
def global_stream(device: torch.device, seed: int, *names: str | int) -> Iterator[None]:
    """Let torch's global generators draw from a stream inside the block, and put their states back after it.

    It serves what takes no generator, such as dropout; see `lrlc_nas.layers.random_state`.
    """
    with random_state(stream_seed(seed, *names), device):
        yield
