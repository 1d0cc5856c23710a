"""How many workers train, on which device each of them, and with how many threads."""

from __future__ import annotations

import os

import torch

from ...errors import InputError

__all__ = ["default_workers", "require_device", "worker_devices", "worker_threads"]

_MOST_ON_CPU = 4  # each holds the images and a network in memory


def require_device(device: str) -> None:
    """Raise `InputError` unless this machine has the device."""
    try:
        wanted = torch.device(device)
    except RuntimeError:
        raise InputError(f"--device must be cpu, cuda or cuda:N; got {device!r}") from None
    if wanted.type not in ("cpu", "cuda"):
        raise InputError(f"--device must be cpu, cuda or cuda:N; got {device!r}")
    there = torch.cuda.device_count()
    if wanted.type == "cuda" and (wanted.index or 0) >= there:
        raise InputError(f"--device must name a device of this machine, which has {there} GPUs; got {device!r}")


def default_workers(device: str | None) -> int:
    """One for each GPU, or on the CPU one for each core, at most four; one on a device that is named by its number.

    Small networks train faster in several processes of one thread than in one of several threads. Where the user has
    set the threads of a process, fewer fit.
    """
    if _deals_gpus(device):
        return torch.cuda.device_count()
    if torch.device(device or "cpu").type != "cpu":
        return 1
    return max(1, min(_MOST_ON_CPU, _cores() // (_asked_threads() or 1)))


def worker_devices(device: str | None, workers: int) -> list[str]:
    """The device of each worker; GPUs are dealt out in turn."""
    if _deals_gpus(device):
        return [f"cuda:{index % torch.cuda.device_count()}" for index in range(workers)]
    return [device or "cpu"] * workers


def worker_threads(workers: int) -> int:
    """Threads of each worker: what the user has set, else an equal share of the cores."""
    return _asked_threads() or max(1, _cores() // workers)


def _asked_threads() -> int:
    """What the user has set, or 0."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() else 0


def _cores() -> int:
    return os.cpu_count() or 1


def _deals_gpus(device: str | None) -> bool:
    return device in (None, "cuda") and torch.cuda.is_available()
