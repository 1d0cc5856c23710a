"""The sites of a host: its convolutions, as one forward pass of a sample meets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import cast

from torch import nn

from ..choices import Choice
from ..layers import Geometry, is_convolution, why_not_plain
from ..layers.samples import Sample
from .passes import Sightings, copied, observe
from .widening import Widening, widenings

__all__ = ["Site", "Survey", "sites", "survey"]


@dataclass(frozen=True)
class Site:
    """One convolution of a host, with the sizes that it meets; its geometry is that of `lrlc_nas.layers.Geometry`.

    Attributes:
        name: its first qualified name in the host; `aliases` are the others.
        input_size: (H, W) of the maps that it sees.
        output_size: (Y, X) of the maps that it makes.
        calls: how many times it is used for one image.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] | str
    dilation: tuple[int, int]
    groups: int
    bias: bool
    padding_mode: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    calls: int = 1
    aliases: tuple[str, ...] = ()

    @property
    def positions(self) -> int:
        """Y*X."""
        return self.output_size[0] * self.output_size[1]

    @property
    def geometry(self) -> Geometry:
        """The geometry of its convolution."""
        return Geometry(**{each.name: getattr(self, each.name) for each in fields(Geometry)})


@dataclass(frozen=True)
class Survey:
    """What the convolutions of a host are.

    Attributes:
        sites: name to site, in the order of the forward pass.
        refused: name to the reason why that convolution cannot be relaxed, in the order of the host's
            modules.
        widenings: name to how the host itself widens that site, for the hosts that do.
    """

    sites: Mapping[str, Site]
    refused: Mapping[str, str]
    widenings: Mapping[str, Widening] = field(default_factory=dict)

    def widening(self, name: str, choice: Choice) -> Widening | None:
        """How the host realises a choice by widening the site; None if a layer is to take its place."""
        return self.widenings.get(name) if choice.kind == "wide" else None


def survey(host: nn.Module, sample: Sample) -> Survey:
    """Find the convolutions of a host, which is left as it is, and say which can be relaxed.

    Raises:
        InputError: if the host cannot be copied, or does not run on the sample, a batch of inputs.
    """
    names = _names(host)
    refused = _refused_unseen(host, names)
    sightings = observe(copied(host), [name for name in names if name not in refused], sample)
    refused |= _refused_seen(sightings)
    found = {
        name: _site(host.get_submodule(name), name, names[name], seen)
        for name, seen in sightings.items()
        if name not in refused
    }
    refused |= {
        name: "it has one output position: there is nothing to share"
        for name, site in found.items()
        if site.positions == 1
    }
    fit = {name: site for name, site in found.items() if name not in refused}
    return Survey(
        sites=fit,
        refused={name: refused[name] for name in names if name in refused},
        widenings=widenings(host, fit, sample),
    )


def sites(host: nn.Module, sample: Sample) -> dict[str, Site]:
    """The sites of a host by name, in the order of the forward pass; `survey` also says what is refused."""
    return dict(survey(host, sample).sites)


def _names(host: nn.Module) -> dict[str, tuple[str, ...]]:
    """The first name of each convolution, to its other names."""
    names: dict[nn.Module, list[str]] = {}
    for name, module in host.named_modules(remove_duplicate=False):
        if is_convolution(module):
            names.setdefault(module, []).append(name)
    return {first: tuple(others) for first, *others in names.values()}


def _refused_unseen(host: nn.Module, names: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """The convolutions that are refused for what they are, whatever the sample."""
    owners = Counter(id(parameter) for module in host.modules() for parameter in module._parameters.values())
    refused = {}
    for name in names:
        module = host.get_submodule(name)
        reason = why_not_plain(module)
        if reason is None and name == "":
            reason = "it is the whole host; a site is a part of a network"
        if reason is None and any(owners[id(parameter)] > 1 for parameter in module.parameters()):
            reason = "its weight or bias also belongs to another module; relaxing it would untie the two"
        if reason is not None:
            refused[name] = reason
    return refused


def _refused_seen(sightings: Mapping[str, Sightings]) -> dict[str, str]:
    """The convolutions that are refused for what the forward pass does with them."""
    reasons = {name: _why_unfit(seen) for name, seen in sightings.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _why_unfit(seen: Sightings) -> str | None:
    if seen.hidden:
        return "the host also calls it by a reference outside its modules, where it cannot be replaced"
    if not seen.sizes:
        return "it is never called in the forward pass"
    if len(seen.sizes) > 1:
        listed = " and ".join(f"{height}x{width}" for height, width in seen.sizes)
        return f"it is called on maps of different sizes, {listed}; a relaxed layer has one size"
    return None


def _site(conv: nn.Module, name: str, aliases: tuple[str, ...], seen: Sightings) -> Site:
    conv = cast(nn.Conv2d, conv)  # all else has been refused
    geometry = Geometry.of_conv(conv, seen.sizes[0])
    return Site(
        name=name,
        **asdict(geometry),
        bias=conv.bias is not None,
        output_size=geometry.output_size,
        calls=seen.calls,
        aliases=aliases,
    )
