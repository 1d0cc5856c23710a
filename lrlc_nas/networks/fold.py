"""Folding: relaxed layers whose kernel is settled, written as plainer layers that compute the same."""

from __future__ import annotations

from torch import nn

from .passes import copied

__all__ = ["fold"]


def fold(network: nn.Module) -> nn.Module:
    """Copy a network, with each layer that has a method ``fold`` replaced by what that returns.

    A low-rank layer becomes the locally connected one that its banks mix to, or the convolution where that is
    equal at all positions. A layer without kernels of its own, because its combining weights depend on the input,
    stays as it is. A layer with several names stays one layer under all of them.

    Raises:
        InputError: if the network cannot be copied.
    """
    network = copied(network)
    places: dict[nn.Module, list[str]] = {}
    for name, module in network.named_modules(remove_duplicate=False):
        if callable(getattr(module, "fold", None)):
            places.setdefault(module, []).append(name)
    for module, names in places.items():
        folded: nn.Module = module.fold()  # type: ignore[operator]
        if "" in names:
            return folded
        for name in names:
            network.set_submodule(name, folded)
    return network
