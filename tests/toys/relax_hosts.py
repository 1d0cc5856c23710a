"""Hosts that use convolutions in all the ways that hosts do."""

import torch
from torch import nn


class Paper(nn.Module):
    """The network of Elsayed et al. (2020): three unpadded 3x3 convolutions of 64 filters with batch norm."""

    def __init__(self, channels=3, classes=10):
        super().__init__()
        for index, width in enumerate([channels, 64, 64], start=1):
            self.add_module(f"conv{index}", nn.Conv2d(width, 64, 3, bias=False))
            self.add_module(f"norm{index}", nn.BatchNorm2d(64))
        self.dense = nn.Linear(64, classes)

    def forward(self, x):
        for index in (1, 2, 3):
            x = self.get_submodule(f"norm{index}")(self.get_submodule(f"conv{index}")(x)).relu()
        return self.dense(x.mean((2, 3)))


class Zoo(nn.Module):
    """Sites that are nested, grouped, pointwise, strided, reused, registered twice; and what is no site."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Conv2d(4, 4, 3)
        self.last = nn.Conv2d(8, 4, 1)
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.block = nn.ModuleDict({"deep": nn.ModuleList([nn.Conv2d(4, 4, 3, padding="same", groups=4)])})
        self.twice = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.again = self.twice
        self.nested = nn.Sequential(self.twice)
        self.sizes = nn.Conv2d(4, 4, 3, stride=2, padding=1)
        self.down = nn.Conv2d(4, 8, 3, stride=2, padding=1, bias=False)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.squeeze = nn.Conv2d(8, 8, 1)
        self.frames = nn.Conv1d(8, 8, 1)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.block["deep"][0](x)
        x = self.again(self.twice(x).relu())
        x = x + nn.functional.interpolate(self.sizes(self.sizes(x)), x.shape[-2:])
        x = self.up(self.down(input=x))
        x = x * self.squeeze(x.mean((2, 3), keepdim=True)).sigmoid()
        x = self.frames(x.flatten(2)).view_as(x)
        return self.last(x)


class Writing(nn.Module):
    """Its forward pass writes into it, and draws random numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.register_buffer("calls", torch.zeros(()))
        self.cache = []

    def forward(self, x):
        self.calls += 1
        self.cache.append(x)
        return self.conv(x + torch.randn_like(x))


class Hidden(nn.Module):
    """Calls one of its convolutions by an entry of a plain list."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 4, 3)
        self.order = [self.second]

    def forward(self, x):
        return self.order[0](self.first(x))


class Tied(nn.Module):
    """Two convolutions with one weight."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3)
        self.second = nn.Conv2d(3, 3, 3)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x))


class Frames(nn.Module):
    """Folds the two halves of an image into the batch."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(torch.cat(x.chunk(2, dim=3)))
