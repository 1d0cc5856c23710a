"""Widening a convolution: more filters in it, and with them in all that its output passes through.

Only the host can know what that is. It says so by a method::

    def widening(self, site: str, rank: int) -> tuple[int, tuple[str, ...]] | None

that gives the number of filters whose parameters match those of rank K, and the names of the modules that
follow the convolution, up to and including the one that reads its channels; None where it cannot be widened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..layers import Cost, why_not_plain
from ..layers.samples import Sample, batch_size
from .passes import copied, elements_kept, run

__all__ = ["Widening", "widen", "widenings"]


@dataclass(frozen=True)
class Widening:
    """How a convolution is widened.

    Attributes:
        width: rank to the number of filters.
        followers: names of the modules that become wider with it; the last one reads its channels.
        per_channel: what each further channel costs in the followers. A reader that is a site is left out:
            what it costs depends on what stands there.
    """

    width: Callable[[int], int]
    followers: tuple[str, ...]
    per_channel: Cost

    @property
    def reader(self) -> str:
        """The name of the module that reads the channels."""
        return self.followers[-1]


def widenings(host: nn.Module, sites: Iterable[str], sample: Sample) -> dict[str, Widening]:
    """Ask a host, which is left as it is, how its convolutions can be widened.

    Returns:
        Site to widening, for the sites that the host says can be widened; nothing for most hosts.

    Raises:
        InputError: if the host names something that cannot be widened.
    """
    method = getattr(host, "widening", None)
    names = list(sites)
    answers = {name: method(name, 1) for name in names} if method is not None else {}
    followers = {name: tuple(answer[1]) for name, answer in answers.items() if answer is not None}
    if not followers:
        return {}
    for name in followers:
        _require_widenable(host, name, followers[name])
    seen = _seen(host, {each for following in followers.values() for each in following}, sample)
    return {
        name: Widening(_width(host, name), following, _per_channel(host, name, following, names, seen))
        for name, following in followers.items()
    }


def widen(network: nn.Module, name: str, widening: Widening, rank: int, init: str) -> None:
    """Widen a convolution of a network, a copy of a host, in place.

    With init ``host`` the network computes what it did: the new filters are he_uniform, and what reads them has zeros
    for them. With ``paper`` the convolution is drawn anew, he_uniform, and its reader as well (a linear one is
    glorot_uniform). Both draw from the global generator of torch for the CPU.
    """
    width = widening.width(rank)
    _add_filters(cast(nn.Conv2d, network.get_submodule(name)), width, init)
    for follower in widening.followers[:-1]:
        module = network.get_submodule(follower)
        if isinstance(module, nn.BatchNorm2d):
            _add_features(module, width)
    _add_inputs(cast(nn.Conv2d | nn.Linear, network.get_submodule(widening.reader)), width, init)


def _width(host: nn.Module, name: str) -> Callable[[int], int]:
    method = cast(Callable[[str, int], tuple[int, tuple[str, ...]]], host.widening)
    return lambda rank: method(name, rank)[0]


def _require_widenable(host: nn.Module, name: str, followers: tuple[str, ...]) -> None:
    modules = dict(host.named_modules(remove_duplicate=False))
    conv = cast(nn.Conv2d, modules[name])
    asked = f"{type(host).__name__}.widening({name!r})"
    if not followers or any(each not in modules for each in followers):
        raise InputError(f"{asked}: followers must be modules, got {followers}")
    if conv.groups != 1:
        raise InputError(f"{asked}: required is groups=1, got {conv.groups}")
    *between, reader = followers
    for each in between:
        if not _passes_channels(modules[each], conv.out_channels):
            raise InputError(
                f"{asked}: {each!r} must be a BatchNorm2d of {conv.out_channels} features or have no parameters, "
                f"but is {modules[each]}"
            )
    if not _reads_channels(modules[reader], conv.out_channels):
        raise InputError(
            f"{asked}: {reader!r} must be a plain Conv2d with groups=1 or a Linear that reads {conv.out_channels} "
            f"channels, but is {modules[reader]}"
        )


def _passes_channels(module: nn.Module, channels: int) -> bool:
    if isinstance(module, nn.BatchNorm2d):
        return module.num_features == channels
    return not any(True for _ in module.parameters())


def _reads_channels(module: nn.Module, channels: int) -> bool:
    if isinstance(module, nn.Conv2d):
        return why_not_plain(module) is None and (module.in_channels, module.groups) == (channels, 1)
    return isinstance(module, nn.Linear) and module.in_features == channels


def _seen(host: nn.Module, names: Iterable[str], sample: Sample) -> dict[str, tuple[int, int]]:
    """For one image, how many numbers each module puts out, and how many it leaves for the backward pass."""
    spent = copied(host)
    seen = dict.fromkeys(names, (0, 0))

    def watch(name: str) -> None:
        def note(module: nn.Module, args: Any, output: Tensor) -> None:
            made, kept = seen[name]
            seen[name] = (made + output.numel(), kept + elements_kept(args, output))

        spent.get_submodule(name).register_forward_hook(note)

    for name in seen:
        watch(name)
    run(spent, sample)
    return {name: (made // batch_size(sample), kept // batch_size(sample)) for name, (made, kept) in seen.items()}


def _per_channel(
    host: nn.Module, name: str, followers: tuple[str, ...], sites: list[str], seen: dict[str, tuple[int, int]]
) -> Cost:
    channels = cast(nn.Conv2d, host.get_submodule(name)).out_channels
    cost = Cost()
    for each in followers[:-1]:
        parameters = sum(parameter.numel() for parameter in host.get_submodule(each).parameters())
        cost += Cost(parameters // channels, 0, seen[each][1] // channels)
    reader = followers[-1]
    if reader not in sites:
        weight = cast(Tensor, host.get_submodule(reader).weight)
        parameters = weight.numel() // channels
        cost += Cost(parameters, seen[reader][0] // len(weight) * parameters, 0)
    return cost


def _add_filters(conv: nn.Conv2d, width: int, init: str) -> None:
    weight = conv.weight.new_empty(width, *conv.weight.shape[1:], device="cpu")
    nn.init.kaiming_uniform_(weight, nonlinearity="relu")
    bias = None if conv.bias is None else conv.bias.new_zeros(width)
    weight = weight.to(conv.weight.device)
    if init == "host":
        weight[: conv.out_channels] = conv.weight.detach()
        if bias is not None and conv.bias is not None:
            bias[: conv.out_channels] = conv.bias.detach()
    conv.weight = nn.Parameter(weight)
    conv.bias = None if bias is None else nn.Parameter(bias)
    conv.out_channels = width


def _add_features(norm: nn.BatchNorm2d, width: int) -> None:
    fresh = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    for name, value in fresh.items():
        old: Tensor | None = getattr(norm, name)
        if old is not None:
            new = torch.cat([old.detach(), old.new_full((width - norm.num_features,), value)])
            setattr(norm, name, nn.Parameter(new) if isinstance(old, nn.Parameter) else new)
    norm.num_features = width


def _add_inputs(reader: nn.Conv2d | nn.Linear, width: int, init: str) -> None:
    old = reader.weight.detach()
    weight = old.new_zeros(old.shape[0], width, *old.shape[2:], device="cpu")
    if init == "host":
        weight[:, : old.shape[1]] = old
    elif isinstance(reader, nn.Conv2d):
        nn.init.kaiming_uniform_(weight, nonlinearity="relu")
    else:
        nn.init.xavier_uniform_(weight)
    if init == "paper" and reader.bias is not None:
        reader.bias = nn.Parameter(torch.zeros_like(reader.bias))
    reader.weight = nn.Parameter(weight.to(old.device))
    if isinstance(reader, nn.Conv2d):
        reader.in_channels = width
    else:
        reader.in_features = width
