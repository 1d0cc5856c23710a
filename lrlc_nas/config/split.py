"""How the images of a study are divided into train, search, confirm and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import InputError

__all__ = ["SplitSpec"]


@dataclass(frozen=True)
class SplitSpec:
    """How images are dealt out.

    A share is a fraction (float, between 0 and 1) or a number of images (int, at least 1).

    Attributes:
        seed: decides which image goes where.
        train: the largest number of training images, or None for all that remain.
        search: the share of the search, of all images that are not test images.
        confirm: the share of the confirmation, likewise.
        test: the share of the test, of all images; used only where the set has no official test images.

    Raises:
        InputError: if a value is of another kind.
    """

    __pydantic_config__: ClassVar[dict[str, object]] = {"extra": "forbid", "strict": True}

    seed: int = 0
    train: int | None = None
    search: float | int = 0.15
    confirm: float | int = 0.15
    test: float | int = 0.15

    def __post_init__(self) -> None:
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise InputError(f"seed must be a whole number of at least 0, but got {self.seed!r}")
        if self.train is not None and (type(self.train) is not int or self.train < 1):
            raise InputError(f"train must be a whole number of at least 1, but got {self.train!r}")
        for name in ("search", "confirm", "test"):
            share = getattr(self, name)
            if not (type(share) is int and share >= 1) and not (type(share) is float and 0 < share < 1):
                raise InputError(f"{name} must be a fraction between 0 and 1 or a number of images, but got {share!r}")
