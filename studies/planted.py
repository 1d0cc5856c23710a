r"""Images with a planted truth: it is known where sharing a kernel costs accuracy, and by how much at most.

An image is a grid of square cells. Each cell holds two stripes, one bright and one dark, that lie or stand;
which of them is the bright one is drawn anew for each cell. A cell speaks for the class of its image with
probability `agreement`:

.. math::
    \mathrm{standing}_{y,x} = \mathrm{class} \oplus \mathrm{mute}_{y,x} \oplus \mathrm{flipped}_x, \qquad
    P(\mathrm{mute}_{y,x} = 0) = \mathrm{agreement}

Two variants differ in nothing but the last term:

``signal``
    The meaning of a stripe depends on its place: flipped is 1 in every second band of `stripe` columns of
    cells. In one band standing stripes speak for class 1, in the next lying ones.
``null``
    Flipped is 0: standing stripes speak for class 1 everywhere, and cells can change places within an image
    without changing the law of image and label.

What follows, without any training:

- A window smaller than a cell, on the grid of its halves, is uniformly bright or dark whichever way the
  stripes run: what is told apart is told at the scale of a cell, and not below it.
- Exchanging the bands of two meanings turns the law of one class into that of the other (``signal``). A
  network that computes the same at the places that are exchanged, and sums over them, is therefore at chance,
  exactly. That holds for ``paper-cnn`` with kernels as large as their strides and bands of half an image: it
  is a sum over blocks.
- There every relaxation can help, at whatever site: one before the scale of a cell hands the position on, one
  after it reads a map that still has it. Only combining weights of rows alone cannot.
- In `lrlc_nas.data.planted_host:pooled_cnn`, with bands of one cell, exactly one site can help. Its ``conv1``
  sees one cell at a position, and the pool behind it sums over two bands: as long as ``conv1`` computes the
  same at each position, all that comes later has the same law in both classes, whatever is relaxed there.
  Where its kernel changes with the column, rank 2 is enough. The control ``wide-K`` stays at chance, exactly;
  a position bias (``lrlc-1``, ``tied-K``, ``coord``) leaves the mean behind the pool equal in both classes, so
  that only its higher moments could tell them apart, and they tell little.
- Under ``null`` a convolution computes all that is needed, and position carries nothing.

No network does better than the majority of the cells. With n cells that is, for large n,
:math:`\Phi((2a - 1) \sqrt{n} / 2 \sqrt{a (1 - a)})` with agreement a; noise takes its share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import InputError
from .images import ImageSet
from .request import Request


__all__ = ["VARIANTS", "Planting", "load_planted", "plant"]

VARIANTS = ("signal", "null")
"""Whether the meaning of a stripe depends on its place."""

_SIDE = 16
_GREY = 128
_CLASSES = ("lying first", "standing first")
_Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Planting:
    """How images are planted; pixels are whole numbers, so that they are the same on every machine.

    Attributes:
        variant: one of `VARIANTS`.
        side: height and width of an image, a multiple of the width of two bands.
        scale: side of a cell in pixels, an even number.
        stripe: width of a band of one meaning, in cells.
        agreement: probability that a cell speaks for the class of its image, above 1/2 and at most 1.
        contrast: how much brighter, or darker, than grey a stripe is.
        noise: each pixel is changed by a whole number drawn evenly from -noise to noise.

    Raises:
        InputError: if a value is of another kind.
    """

    variant: str = "signal"
    side: int = _SIDE
    scale: int = 2
    stripe: int = 1
    agreement: float = 0.6
    contrast: int = 40
    noise: int = 60

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(f"variant must be one of {', '.join(VARIANTS)}, but got {self.variant!r}")
        for name, least in (("side", 1), ("scale", 2), ("stripe", 1), ("contrast", 1), ("noise", 0)):
            _require_count(name, getattr(self, name), least)
        if self.scale % 2:
            raise InputError(f"scale must be even, for a cell has two stripes, but got {self.scale}")
        if self.side % self.period:
            raise InputError(
                f"the side of an image must be a multiple of {self.period}, two bands of {self.stripe} cells "
                f"of {self.scale} pixels, but got {self.side}"
            )
        if type(self.agreement) not in (int, float) or not 0.5 < self.agreement <= 1:
            raise InputError(f"agreement must be above 0.5 and at most 1, but got {self.agreement!r}")
        if self.contrast + self.noise >= _GREY:
            total = f"{self.contrast} + {self.noise}"
            raise InputError(f"contrast + noise must be below {_GREY}, or pixels overflow, but got {total}")

    @property
    def period(self) -> int:
        """Width of two bands of different meaning, in pixels."""
        return 2 * self.stripe * self.scale

    @property
    def cells(self) -> int:
        """Cells along one side of an image."""
        return self.side // self.scale

    @property
    def flipped(self) -> _Cells:
        """For each column of cells whether lying stripes speak for class 1; shape (cells,)."""
        bands = np.arange(self.cells) // self.stripe
        return bands % 2 if self.variant == "signal" else np.zeros_like(bands)


def load_planted(
    request: Request,
    *,
    variant: str = "signal",
    scale: int = 2,
    stripe: int = 1,
    agreement: float = 0.6,
    contrast: int = 40,
    noise: int = 60,
    train: int = 4000,
    test: int = 1000,
    seed: int = 0,
) -> ImageSet:
    """Load ``planted``: images that are drawn when they are loaded, the same ones for the same options.

    Args:
        request: what is asked for; its size is the side of an image, 16 by default.
        variant: see `Planting`, as for the five that follow.
        scale: side of a cell in pixels.
        stripe: width of a band in cells.
        agreement: probability that a cell speaks for the class of its image.
        contrast: of a stripe against grey.
        noise: the largest change of a pixel.
        train: number of images, one half of each class.
        test: number of official test images, likewise.
        seed: decides all that is drawn.

    Raises:
        InputError: if an option is of another kind.
    """
    side = request.size or _SIDE
    planting = Planting(variant, side, scale, stripe, agreement, contrast, noise)
    for name, value, least in (("train", train, 2), ("test", test, 2), ("seed", seed, 0)):
        _require_count(name, value, least)
    random = np.random.default_rng(seed)
    images, labels = plant(planting, train, random)
    test_images, test_labels = plant(planting, test, random)
    return ImageSet(request.name, images, labels, test_images, test_labels, _CLASSES)


def plant(planting: Planting, count: int, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Draw images, the classes in turn.

    Returns:
        Images, uint8 with shape (count, 1, H, W), and labels, int64 with shape (count,).
    """
    grid = (count, planting.cells, planting.cells)
    labels = np.arange(count) % 2
    mute = random.random(grid) >= planting.agreement
    standing = labels[:, None, None] ^ mute ^ planting.flipped
    polarity = 2 * random.integers(0, 2, grid) - 1
    noise = random.integers(-planting.noise, planting.noise + 1, (count, planting.side, planting.side))
    pixels = _GREY + planting.contrast * _drawn(standing, polarity, planting.scale) + noise
    return torch.from_numpy(pixels.astype(np.uint8)).unsqueeze(1), torch.from_numpy(labels)


def _drawn(standing: _Cells, polarity: _Cells, scale: int) -> _Cells:
    """The cells (N, cells, cells) as pixels (N, H, W) of +1 and -1."""
    lying = np.repeat(np.repeat([[1], [-1]], scale // 2, axis=0), scale, axis=1)
    cells = np.where(standing[..., None, None], lying.T, lying) * polarity[..., None, None]
    count, rows, columns = standing.shape
    return cells.transpose(0, 1, 3, 2, 4).reshape(count, rows * scale, columns * scale)


def _require_count(name: str, value: object, least: int) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, but got {value!r}")
