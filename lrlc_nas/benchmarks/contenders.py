"""What is compared: convolutions, our layers by each of their paths, and the usual ways to write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import nn

from ..layers import LocallyConnected2d, LowRankLocallyConnected2d
from ..layers.low_rank import COMPUTATIONS
from .peers import SeparateConvolutions, UnfoldedProduct
from .sizes import Size

__all__ = ["LAYOUTS", "Contender", "local", "low_rank"]

LAYOUTS = {"nchw": torch.contiguous_format, "channels_last": torch.channels_last}
"""How the maps, and the kernels of convolutions, lie in memory."""


@dataclass(frozen=True)
class Contender:
    """One way to compute a layer, on the device and in the layout.

    Attributes:
        kind: ``conv``, ``lc``, ``lrlc`` (the path that is tuned), one of the paths that a user can name, ``einsum``
            (K convolutions and an einsum) or ``unfold`` (unfold, product and sum).
        rank: K; 0 for the kinds that have none.
        ways: rows of the table in `lrlc_nas.benchmarks.floors`; it is free to go the best of them.
    """

    kind: str
    rank: int
    ways: tuple[str, ...]
    module: nn.Module


def low_rank(size: Size, ranks: Sequence[int], device: torch.device, layout: str) -> list[Contender]:
    """The convolution, LC, and every way to an LRLC layer at every rank."""
    conv = nn.Conv2d(size.in_channels, size.out_channels, size.kernel_size, padding=size.padding, groups=size.groups)
    made = [Contender("conv", 0, ("conv",), conv), Contender("lc", 0, ("lc",), _local(size))]
    for rank in ranks:
        made.append(Contender("lrlc", rank, COMPUTATIONS, _low_rank(size, rank, "auto")))
        made += [Contender(path, rank, (path,), _low_rank(size, rank, path)) for path in COMPUTATIONS]
        made.append(Contender("einsum", rank, ("bank",), SeparateConvolutions(_low_rank(size, rank, "bank"))))
    return _placed(made, device, layout)


def local(size: Size, device: torch.device, layout: str) -> list[Contender]:
    """LC and the usual way to write it."""
    layer = _local(size)
    made = [Contender("lc", 0, ("lc",), layer), Contender("unfold", 0, ("lc",), UnfoldedProduct(layer))]
    return _placed(made, device, layout)


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
