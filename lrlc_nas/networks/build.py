"""From a convolution and a choice to a layer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from torch import nn

from ..choices import CONV, FORMS, Choice
from ..errors import InputError
from ..layers import (
    CoordConv2d,
    Geometry,
    LocallyConnected2d,
    LowRankLocallyConnected2d,
    TiedBanksConv2d,
    WideConv2d,
    matching_hidden_channels,
)
from .sites import Site, Survey


__all__ = ["BUILDABLE", "INITS", "realised", "require_buildable", "why_not_buildable"]

BUILDABLE = FORMS
"""The forms of choices that can be built: all; at some sites a ``wide-K`` cannot."""

INITS = ("host", "paper")
"""How relaxed layers start: as the function of the host's convolution, or from their own initialisation."""

_WEIGHTS = {"": "row+column", "rows": "rows", "cols": "columns", "full": "full", "input": "input"}


def why_not_buildable(survey: Survey, name: str, choice: Choice) -> str | None:
    """Say why a choice cannot be built at a site: a ``wide-K`` that matches no parameters of ``lrlc-K``.

    Returns:
        The reason, with figures, or None.
    """
    if choice.kind != "wide":
        return None
    site, widening = survey.sites[name], survey.widening(name, choice)
    if widening is not None:
        width = widening.width(choice.rank)
        if width > site.out_channels:
            return None
        return f"the width that matches lrlc-{choice.rank} is {width}, that of the convolution itself"
    try:
        matching_hidden_channels(site.geometry, choice.rank, bias=site.bias)
    except InputError as error:
        return str(error)
    return None


def require_buildable(survey: Survey, name: str, choice: Choice) -> None:
    """Raise `InputError`, naming the site and the reason, unless the choice can be built there."""
    reason = why_not_buildable(survey, name, choice)
    if reason is not None:
        raise InputError(f"site {name!r}: {choice} cannot be built: {reason}")


def realised(conv: nn.Conv2d, site: Site, choice: Choice, init: str) -> nn.Module:
    """Make the layer that takes the place of a convolution.

    Args:
        conv: the convolution, which is left as it is.
        site: what the survey says of it.
        choice: one that can be built there, and that the host does not realise by widening.
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
    size, rank = site.input_size, choice.rank
    if choice.kind == "coord":
        return CoordConv2d.from_conv(conv, size)
    if choice.kind == "wide":
        return WideConv2d.from_conv(conv, size, _hidden_channels(conv, site, rank))
    if choice.kind == "tied":
        return TiedBanksConv2d.from_conv(conv, size, rank)
    if choice.kind == "lc":
        return LocallyConnected2d.from_conv(conv, size, bias=True)
    return LowRankLocallyConnected2d.from_conv(conv, size, rank, weights=_WEIGHTS[choice.weights])


def _fresh(conv: nn.Conv2d, site: Site, choice: Choice) -> nn.Module:
    # On the CPU, so that a seed gives the same layer for every device.
    geometry, rank = Geometry.of_conv(conv, site.input_size), choice.rank
    options: dict[str, Any] = {"device": "cpu", "dtype": conv.weight.dtype}
    if choice.kind == "lc":
        return LocallyConnected2d(**asdict(geometry), **options)
    options["bias"] = site.bias
    if choice.kind == "coord":
        return CoordConv2d(geometry, **options)
    if choice.kind == "wide":
        return WideConv2d(geometry, _hidden_channels(conv, site, rank), **options)
    if choice.kind == "tied":
        return TiedBanksConv2d(geometry, rank, **options)
    weights = _WEIGHTS[choice.weights]
    return LowRankLocallyConnected2d(**asdict(geometry), rank=rank, weights=weights, **options)


def _hidden_channels(conv: nn.Conv2d, site: Site, rank: int) -> int:
    geometry = Geometry.of_conv(conv, site.input_size)
    return matching_hidden_channels(geometry, rank, bias=site.bias)
