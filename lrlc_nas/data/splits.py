"""Four disjoint roles for images: train, search, confirm, test.

The search reads the search images, the confirmation the confirm images, and the test images stay sealed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import SplitSpec
from ..errors import InputError
from .images import ImageSet

__all__ = ["Splits", "Subset", "split"]


@dataclass(frozen=True, eq=False)
class Subset:
    """The images of one role: uint8 (N, C, H, W), and their labels: int64 (N,)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Splits:
    """A set of images, dealt out.

    Attributes:
        train: what networks are trained on.
        search: what the search compares plans on.
        confirm: what the confirmation compares arms on.
        test: what stays sealed until the end.
        mean: of each channel of the training images, in units where white is 1.
        std: likewise; 1 for a channel that is constant, so that dividing by it is safe.
        digest: SHA-256 over the fingerprint of the set and which image went where.
    """

    train: Subset
    search: Subset
    confirm: Subset
    test: Subset
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str


def split(images: ImageSet, spec: SplitSpec) -> Splits:
    """Deal the images of a set out to the four roles.

    The seed alone orders the images; the roles are cut from that order: test, confirm, search, then train. A
    different share of the search, or cap on the training images, leaves the roles before it as they are.

    Raises:
        InputError: if a role would be left without images.
    """
    order = torch.randperm(len(images.labels), generator=torch.Generator().manual_seed(spec.seed))
    places: dict[str, Tensor] = {}
    if images.test_labels is None:
        places["test"], order = _cut(order, "test", spec.test, len(order))
    pool = len(order)
    for role, share in (("confirm", spec.confirm), ("search", spec.search)):
        places[role], order = _cut(order, role, share, pool)
    places["train"] = order[: spec.train]
    parts = {role: Subset(images.images[indices], images.labels[indices]) for role, indices in places.items()}
    if images.test_images is not None and images.test_labels is not None:
        parts["test"] = Subset(images.test_images, images.test_labels)
    mean, std = _moments(parts["train"].images)
    return Splits(**parts, mean=mean, std=std, digest=_digest(images, places))


def _cut(order: Tensor, role: str, share: float | int, whole: int) -> tuple[Tensor, Tensor]:
    count = share if isinstance(share, int) else round(share * whole)
    if count < 1:
        raise InputError(f"{role} = {share} leaves no {role} images: the set has {whole} to share")
    if count >= len(order):
        raise InputError(
            f"{role} = {share} asks for {count} images, but only {len(order)} of {whole} are left, "
            "and training needs at least one"
        )
    return order[:count], order[count:]


def _moments(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # From a histogram of the 256 levels: exact, and without a copy of the images in floating point.
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.shape[1]):
        weights = torch.bincount(images[:, channel].flatten(), minlength=256).double()
        weights /= weights.sum()
        mean = weights @ levels
        std = (weights @ (levels - mean) ** 2).sqrt()
        means.append(mean.item())
        stds.append(std.item() if (weights > 0).sum() > 1 else 1.0)
    return tuple(means), tuple(stds)


def _digest(images: ImageSet, places: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(images.fingerprint.encode())
    for role in sorted(places):
        digest.update(f"{role} {len(places[role])} ".encode())
        digest.update(places[role].numpy().tobytes())
    return digest.hexdigest()
