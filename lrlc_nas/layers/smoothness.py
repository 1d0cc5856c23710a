"""A regulariser that draws neighbouring positions together, between free combining weights and sharing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .low_rank import LowRankLocallyConnected2d

__all__ = ["smoothness_penalty"]


def smoothness_penalty(network: nn.Module) -> Tensor:
    """The mean of `LowRankLocallyConnected2d.smoothness` over the layers of a network, with shape (); 0 without any.

    To be added to the loss, times a number of one's choice. A layer that occurs at several places counts
    once. One whose combining weights are computed from the input has none by itself and does not count: whoever
    wants it smooth adds `LowRankLocallyConnected2d.smoothness` of that input.

    Approximately Equivariant Networks for Imperfectly Symmetric Dynamics (Wang, Walters and Yu, 2022)
    https://arxiv.org/abs/2201.11969
    """
    values = [
        module.smoothness()
        for module in network.modules()
        if isinstance(module, LowRankLocallyConnected2d) and not module.depends_on_input
    ]
    if values:
        return torch.stack(values).mean()
    place = next((parameter.device for parameter in network.parameters()), None)
    return torch.zeros((), device=place)
