"""From a convolution and a choice to a layer."""

from __future__ import annotations

from dataclasses import asdict

from torch import nn

from ..choices import CONV, Choice
from ..errors import InputError
from ..layers import Geometry, LocallyConnected2d, LowRankLocallyConnected2d
from .sites import Site


__all__ = ["BUILDABLE", "INITS", "buildable", "realised", "require_buildable"]

BUILDABLE = ("conv", "lrlc-K", "lrlc-K-rows", "lrlc-K-cols", "lrlc-K-full", "lc")
"""The forms of choices that this version builds."""

INITS = ("host", "paper")
"""How relaxed layers start: as the function of the host's convolution, or from their own initialisation."""

_WEIGHTS = {"": "row+column", "rows": "rows", "cols": "columns", "full": "full"}


def buildable(choice: Choice) -> bool:
    """Whether this version builds a choice."""
    return choice.kind in ("conv", "lc") or (choice.kind == "lrlc" and choice.weights in _WEIGHTS)


def require_buildable(choice: Choice) -> None:
    """Raise `InputError` unless this version builds the choice."""
    if not buildable(choice):
        raise InputError(f"choice {choice} is not built by this version; it builds {', '.join(BUILDABLE)}")


def realised(conv: nn.Conv2d, site: Site, choice: Choice, init: str) -> nn.Module:
    """Make the layer that takes the place of a convolution.

    Args:
        conv: the convolution, which is left as it is.
        site: what the survey says of it.
        choice: one that this version builds.
        init: ``host``, to compute what the convolution computes, or ``paper``, to draw from the global
            generator of torch what the layer draws by itself.

    Returns:
        The layer, on the device, in the dtype and in the training mode of the convolution. All its
        parameters are trainable. A locally connected layer has a bias even where the convolution has none,
        as in the paper, so that it is the end of a scale whose other members have a position bias.
    """
    if choice == CONV:
        return conv
    if init == "paper":
        return _fresh(conv, site, choice).to(conv.weight.device).train(conv.training)
    if choice.kind == "lc":
        return LocallyConnected2d.from_conv(conv, site.input_size, bias=True)
    weights = _WEIGHTS[choice.weights]
    return LowRankLocallyConnected2d.from_conv(conv, site.input_size, choice.rank, weights=weights)


def _fresh(conv: nn.Conv2d, site: Site, choice: Choice) -> nn.Module:
    # On the CPU, so that a seed gives the same layer for every device.
    geometry = asdict(Geometry.of_conv(conv, site.input_size))
    if choice.kind == "lc":
        return LocallyConnected2d(**geometry, device="cpu", dtype=conv.weight.dtype)
    return LowRankLocallyConnected2d(
        **geometry,
        rank=choice.rank,
        bias=site.bias,
        weights=_WEIGHTS[choice.weights],
        device="cpu",
        dtype=conv.weight.dtype,
    )
