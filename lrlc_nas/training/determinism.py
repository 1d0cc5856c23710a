"""Bit-equal repetition: torch's deterministic algorithms, for the length of a block."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InputError

__all__ = ["deterministic_algorithms", "require_determinism"]

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_CUBLAS_SETTINGS = (":4096:8", ":16:8")


def require_determinism(device: torch.device) -> None:
    """Reject a process in which cuBLAS may give different bits each time.

    The setting is read when CUDA starts, so it is too late to set it here. See
    https://docs.nvidia.com/cuda/cublas/#results-reproducibility.

    Raises:
        InputError: if ``device`` is a CUDA device and the environment does not hold the setting.
    """
    found = os.environ.get(_CUBLAS)
    if device.type == "cuda" and found not in _CUBLAS_SETTINGS:
        raise InputError(
            f"deterministic = true on {device} requires the environment variable {_CUBLAS} to be "
            f"{' or '.join(_CUBLAS_SETTINGS)} before the process starts, but it is {found!r}"
        )


@contextmanager
def deterministic_algorithms(enabled: bool) -> Iterator[None]:
    """Use deterministic algorithms inside the block, if enabled, and put the caller's settings back after it."""
    if not enabled:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    try:
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
