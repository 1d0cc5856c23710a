"""Layers of a user's: a convolution with a learned scale at each position, and wrong ones."""

import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self, conv: nn.Conv2d, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding)
        with torch.no_grad():
            maps = self.conv(torch.zeros(1, conv.in_channels, *size)).shape[-2:]
        self.scale = nn.Parameter(1 + 0.1 * torch.randn(1, 1, *maps))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) * self.scale


def scaled(conv: nn.Conv2d, size: tuple[int, int]) -> nn.Module:
    return Scaled(conv, size)


def fails(conv: nn.Conv2d, size: tuple[int, int]) -> nn.Module:
    raise ValueError("only odd kernels")


def narrow(conv: nn.Conv2d, size: tuple[int, int]) -> nn.Module:
    return nn.Conv2d(conv.in_channels, 1, 1)


def no_module(conv: nn.Conv2d, size: tuple[int, int]) -> None:
    return None
