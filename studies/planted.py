r"""Images with a planted truth, and the one host in which exactly one site can use it: functions of a user's own.

A study file names them as ``studies.planted:images`` and ``studies.planted:host``. Nothing here needs lrlc_nas:
images are tensors or arrays of bytes with whole numbers as labels, and a host is any network that maps images to
logits.

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
- In `host`, with bands of one cell, exactly one site can help. Its ``conv1``
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

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["VARIANTS", "host", "images"]

VARIANTS = ("signal", "null")
"""Whether the meaning of a stripe depends on its place."""

_GREY = 128
_Cells = NDArray[np.int64]


def images(
    *,
    variant: str = "signal",
    side: int = 16,
    scale: int = 2,
    stripe: int = 1,
    agreement: float = 0.6,
    contrast: int = 40,
    noise: int = 60,
    train: int = 4000,
    test: int = 1000,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw images, the same ones for the same options; pixels are whole numbers, so that no machine rounds them.

    Args:
        variant: one of `VARIANTS`.
        side: height and width of an image, a multiple of the width of two bands.
        scale: side of a cell in pixels, an even number.
        stripe: width of a band of one meaning, in cells.
        agreement: probability that a cell speaks for the class of its image, above 1/2 and at most 1.
        contrast: how much brighter, or darker, than grey a stripe is.
        noise: each pixel is changed by a whole number drawn evenly from -noise to noise.
        train: N, number of images, one half of each class.
        test: M, number of official test images, likewise.
        seed: decides all that is drawn.

    Returns:
        Images (N, 1, H, W) as bytes and their labels (N,); test images (M, 1, H, W) and their labels (M,).

    Raises:
        ValueError: if an option is of another kind.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, but got {variant!r}")
    _require_counts(1, side=side, scale=scale, stripe=stripe, contrast=contrast)
    _require_counts(0, noise=noise, seed=seed)
    _require_counts(2, train=train, test=test)
    _require_bands(scale, stripe, side)
    if scale % 2:
        raise ValueError(f"scale must be even, for a cell has two stripes, but got {scale}")
    if not 0.5 < agreement <= 1:
        raise ValueError(f"agreement must be above 0.5 and at most 1, but got {agreement!r}")
    if contrast + noise >= _GREY:
        raise ValueError(f"contrast + noise must be below {_GREY}, but got {contrast} + {noise}")
    random, cells = np.random.default_rng(seed), side // scale
    flipped = np.arange(cells) // stripe % 2 if variant == "signal" else np.zeros(cells, dtype=np.int64)

    def drawn(count: int) -> tuple[Tensor, Tensor]:
        labels = np.arange(count) % 2
        mute = random.random((count, cells, cells)) >= agreement
        polarity = 2 * random.integers(0, 2, mute.shape) - 1
        changes = random.integers(-noise, noise + 1, (count, side, side))
        pixels = _GREY + contrast * _stripes(labels[:, None, None] ^ mute ^ flipped, polarity, scale) + changes
        return torch.from_numpy(pixels.astype(np.uint8)).unsqueeze(1), torch.from_numpy(labels)

    return *drawn(train), *drawn(test)


def host(
    channels: int, classes: int, size: tuple[int, int], *, width: int = 12, scale: int = 2, stripe: int = 1
) -> nn.Sequential:
    r"""Make a host whose pool forgets, right behind the first convolution, in which band a cell lay.

    ``conv1`` has a kernel and a stride of one cell: a position for each cell and no overlap. Behind it come
    batch norm, a square, and a pool over two bands in each direction; then ``conv2`` and ``conv3``, 3x3, each
    with batch norm and ReLU; at the end a global average pool and linear logits.

    The square makes the difference between another kernel and a mere shift. A response u of ``conv1`` is as
    often negative as positive, whichever way the stripes run, so that a position bias s is lost in the mean:

    .. math::
        E[(u + s)^2] = E[u^2] + s^2

    Behind a ReLU it would switch channels off in one band and on in the other, and nearly do what another
    kernel does. A square and a mean in place of a ReLU:

    Deep Learning with Convolutional Neural Networks for EEG Decoding and Visualization (Schirrmeister et al.,
    2017) https://arxiv.org/abs/1703.05051

    Args:
        channels: C, the channels of an image.
        classes: the number of classes.
        size: (H, W) of an image, multiples of ``2 * stripe * scale``.
        width: F, the channels of each convolution.
        scale: side of a cell in pixels, as the images have it.
        stripe: width of a band in cells, as the images have it.

    Raises:
        ValueError: if an option is not a whole number of at least 1, or the bands do not fill the image.
    """
    _require_counts(1, width=width, scale=scale, stripe=stripe)
    _require_bands(scale, stripe, *size)
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, width, scale, scale, bias=False),
            bn1=nn.BatchNorm2d(width),
            square1=_Square(),
            pool1=nn.AvgPool2d(2 * stripe),
            conv2=nn.Conv2d(width, width, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(width),
            relu2=nn.ReLU(),
            conv3=nn.Conv2d(width, width, 3, padding=1, bias=False),
            bn3=nn.BatchNorm2d(width),
            relu3=nn.ReLU(),
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            logits=nn.Linear(width, classes),
        )
    )


class _Square(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.square()


def _stripes(standing: _Cells, polarity: _Cells, scale: int) -> _Cells:
    """The cells (N, cells, cells) as pixels (N, H, W) of +1 and -1."""
    lying = np.repeat(np.repeat([[1], [-1]], scale // 2, axis=0), scale, axis=1)
    cells = np.where(standing[..., None, None], lying.T, lying) * polarity[..., None, None]
    count, rows, columns = standing.shape
    return cells.transpose(0, 1, 3, 2, 4).reshape(count, rows * scale, columns * scale)


def _require_counts(least: int, **counts: object) -> None:
    for name, value in counts.items():
        if type(value) is not int or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, but got {value!r}")


def _require_bands(scale: int, stripe: int, *sides: int) -> None:
    period = 2 * stripe * scale
    if any(side % period for side in sides):
        shown = "x".join(map(str, sides))
        raise ValueError(
            f"sides must be multiples of {period}, two bands of {stripe} cells of {scale} pixels, but got {shown}"
        )
