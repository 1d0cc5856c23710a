"""What is compared: convolutions, our layers by each of their paths, and the usual ways to write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import nn

from ..layers import LocallyConnected2d, LowRankLocallyConnected2d
from ..layers.low_rank import COMPUTATIONS
from .floors import WAYS
from .peers import SeparateConvolutions, UnfoldedProduct
from .sizes import Size

__all__ = ["FIXED", "LAYOUTS", "Contender", "local", "low_rank"]

FIXED = COMPUTATIONS
"""The paths of an LRLC layer, which a user can name."""

LAYOUTS = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
"""How the maps, and the kernels of convolutions, lie in memory."""


@dataclass(frozen=True)
class Contender:
    """One way to compute a layer.

    Attributes:
        kind: ``conv``, ``lc``, ``lrlc`` (the path that is tuned), a path of `FIXED`, ``einsum`` (K convolutions and
            an einsum) or ``unfold`` (unfold, product and sum).
        rank: K; 0 for the kinds that have none.
        ways: rows of the table in `lrlc_nas.benchmarks.floors`; it is free to go the best of them.
        module: on the device, in the layout.
    """

    kind: str
    rank: int
    ways: tuple[str, ...]
    module: nn.Module


def low_rank(size: Size, ranks: Sequence[int], device: torch.device, layout: str) -> list[Contender]:
    """The convolution, LC, and every way to an LRLC layer at every rank."""
    made = [_of("conv", 0, ("conv",), _convolution(size)), _of("lc", 0, ("lc",), _local(size))]
    for rank in ranks:
        made.append(_of("lrlc", rank, ("bank", "kernel"), _low_rank(size, rank, "auto")))
        for path in FIXED:
            ways = (path,) if path in WAYS else ("bank", "kernel")
            made.append(_of(path, rank, ways, _low_rank(size, rank, path)))
        peer = SeparateConvolutions(_low_rank(size, rank, FIXED[0]))
        made.append(_of("einsum", rank, ("bank",), peer))
    return _placed(made, device, layout)


def local(size: Size, device: torch.device, layout: str) -> list[Contender]:
    """LC and the usual way to write it."""
    layer = _local(size)
    made = [_of("lc", 0, ("lc",), layer), _of("unfold", 0, ("lc",), UnfoldedProduct(layer))]
    return _placed(made, device, layout)


def _of(kind: str, rank: int, ways: tuple[str, ...], module: nn.Module) -> Contender:
    return Contender(kind, rank, ways, module)


def _convolution(size: Size) -> nn.Conv2d:
    return nn.Conv2d(size.in_channels, size.out_channels, size.kernel_size, padding=size.padding, groups=size.groups)


def _local(size: Size) -> LocallyConnected2d:
    return LocallyConnected2d(**asdict(size.geometry))


def _low_rank(size: Size, rank: int, path: str) -> LowRankLocallyConnected2d:
    return LowRankLocallyConnected2d(**asdict(size.geometry), rank=rank, computation=path)


def _placed(made: list[Contender], device: torch.device, layout: str) -> list[Contender]:
    for contender in made:
        contender.module.to(device)
        # Not module.to(memory_format=...): that also turns weights of four axes which are no kernels.
        for part in contender.module.modules():
            if isinstance(part, nn.Conv2d):
                part.to(memory_format=LAYOUTS[layout])
    return made
