"""Which device each worker trains on."""

from __future__ import annotations

import torch

from ...errors import InputError


__all__ = ["default_workers", "require_device", "worker_devices"]


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
        raise InputError(
            f"--device must name a device of this machine, which has {there} GPUs; got {device!r}"
        )


def default_workers(device: str | None) -> int:
    """One for each GPU where there are GPUs, else one."""
    return torch.cuda.device_count() if _deals_gpus(device) else 1


def worker_devices(device: str | None, workers: int) -> list[str]:
    """The device of each worker; GPUs are dealt out in turn."""
    if _deals_gpus(device):
        return [f"cuda:{index % torch.cuda.device_count()}" for index in range(workers)]
    return [device or "cpu"] * workers


def _deals_gpus(device: str | None) -> bool:
    return device in (None, "cuda") and torch.cuda.is_available()
