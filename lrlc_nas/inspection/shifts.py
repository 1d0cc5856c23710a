"""The cost in translation tolerance: the metric on images that are moved by a few pixels.

A convolution finds a thing wherever it lies; a layer with kernels of its own at each position finds it where it
learned it. How much of that is lost shows when the images that a network was scored on are moved, the rim repeated
into what comes free, and the relaxed network and the host are measured again. The test images stay sealed: those
that are moved are the images that the runs were scored on, search images or, for a confirmed claim, confirm images.
They are not fresh, but the same for both networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

import torch
from torch import Tensor
from torch.nn import functional as F

from ..choices import Plan
from ..engine import OpenStudy, open_study
from ..errors import InputError
from ..store import RunRecord, Store
from ..tasks import ShowsImages
from .trained import Subject, subject, trained_network

__all__ = ["SHIFTS", "ShiftTolerance", "moved", "shift_tolerance"]

SHIFTS = tuple(range(-4, 5))
"""Pixels by which images are moved."""


@dataclass(frozen=True)
class ShiftTolerance:
    """The metric of a relaxed network and of the host on moved images, ``search`` or ``confirm`` ones by `role`.

    Attributes:
        why: how the network was chosen.
        images: how many there were.
        shifts: in pixels.
        relaxed: direction to the mean over the relaxed runs after each shift.
        host: the same of the host; empty if no run of it was there.
        numbers: of the relaxed runs; `host_numbers` those of the host.
    """

    study: str
    plan: Plan
    why: str
    role: str
    images: int
    shifts: tuple[int, ...]
    relaxed: dict[str, tuple[float, ...]]
    host: dict[str, tuple[float, ...]]
    numbers: tuple[int, ...]
    host_numbers: tuple[int, ...]


def shift_tolerance(
    store: Store,
    name: str,
    *,
    shifts: Sequence[int] = SHIFTS,
    images: int = 1000,
    seeds: int = 3,
    device: torch.device | str = "cpu",
    opened: OpenStudy | None = None,
    chosen: Subject | None = None,
) -> ShiftTolerance:
    """Measure the network that is worth looking into and the host on moved images.

    Args:
        store: the study database.
        name: of the search.
        shifts: in pixels; to the right or down where positive.
        images: at most so many, the first of those that the runs were scored on.
        seeds: at most so many runs of each; their mean is taken.
        device: where to compute.
        opened: the study of the subject, if it is open already.
        chosen: the subject, if it is known already.

    Raises:
        InputError: if there is no such study, nothing in it is relaxed, its images have changed, or a shift is not
            smaller than they are.
        CheckpointError: if a checkpoint has gone or is damaged.
    """
    if images < 1 or seeds < 1:
        raise InputError(f"shifts: images and seeds must be at least 1, but are {images} and {seeds}")
    chosen = chosen or subject(store, name)
    study = opened or open_study(store, chosen.study.name)
    task, split = study.prepared.task, study.prepared.split
    if not isinstance(task, ShowsImages):
        raise InputError(f"study {study.record.name!r}: its task has no images to move")
    runs, hosts = chosen.runs[:seeds], chosen.hosts[:seeds]
    return ShiftTolerance(
        study=study.record.name,
        plan=chosen.plan,
        why=chosen.why,
        role=split,
        images=min(images, task.count(split)),
        shifts=tuple(shifts),
        relaxed=_curves(study, task, runs, images, shifts, device),
        host=_curves(study, task, hosts, images, shifts, device) if hosts else {},
        numbers=tuple(run.number for run in runs),
        host_numbers=tuple(run.number for run in hosts),
    )


def moved(images: Tensor, right: int, down: int) -> Tensor:
    """Move uint8 images (B, C, H, W) to the right and down, the other way where negative, with the rim repeated.

    Raises:
        InputError: if a shift is not smaller than the images.
    """
    height, width = images.shape[2:]
    if abs(right) >= width or abs(down) >= height:
        raise InputError(
            f"images of {height} x {width} pixels are moved by less than that; got {right} to the right, {down} down"
        )
    room = (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0))
    wide = F.pad(images.float(), room, mode="replicate")
    return wide[:, :, room[3] : room[3] + height, room[1] : room[1] + width].to(images.dtype)


def _curves(
    study: OpenStudy,
    task: ShowsImages,
    runs: Sequence[RunRecord],
    most: int,
    shifts: Sequence[int],
    device: torch.device | str,
) -> dict[str, tuple[float, ...]]:
    networks = [trained_network(study, run) for run in runs]
    split = study.prepared.split

    def value(right: int, down: int) -> float:
        change = partial(moved, right=right, down=down)
        return mean(task.score_changed(network, split, device, most=most, change=change) for network in networks)

    return {"right": tuple(value(shift, 0) for shift in shifts), "down": tuple(value(0, shift) for shift in shifts)}
