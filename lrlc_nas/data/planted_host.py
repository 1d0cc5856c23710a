"""The network in which exactly one site of the ``planted`` images can gain from being relaxed."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from ..errors import InputError


__all__ = ["pooled_cnn"]


def pooled_cnn(
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
        InputError: if an option is not a whole number of at least 1, or the bands do not fill the image.
    """
    for name, value in (("width", width), ("scale", scale), ("stripe", stripe)):
        if type(value) is not int or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1, but got {value!r}")
    period = 2 * stripe * scale
    if any(side % period for side in size):
        raise InputError(f"the sides of an image must be multiples of {period}, but got {size[0]}x{size[1]}")
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
