"""A regression that is minimized: by what angle was a garment turned? The background is brighter to the right.

lrlc-nas start --task studies.rotation:task --trials 24
"""

import torch
from torch import nn
from torch.nn import functional as F

from lrlc_nas.data import load_images

PARTS = {"train": slice(800), "search": slice(800, 1200), "confirm": slice(1200, 1800), "test": slice(1800, 2400)}


def turned(count=2400):
    """Images (N, 1, 28, 28), each turned by its angle, in degrees (N,)."""
    images = load_images("embedded").images[:count].float() / 255
    angles = 90 * torch.rand(count, generator=torch.Generator().manual_seed(0)) - 45
    cosine, sine, zero = torch.cos(angles.deg2rad()), torch.sin(angles.deg2rad()), torch.zeros(count)
    turns = torch.stack([cosine, -sine, zero, sine, cosine, zero], 1).view(-1, 2, 3)
    moved = F.grid_sample(images, F.affine_grid(turns, list(images.shape), align_corners=False), align_corners=False)
    return moved + torch.linspace(0, 0.5, 28), angles


IMAGES, ANGLES = turned()


class Regressor(nn.Sequential):
    def __init__(self, width=8):
        convs = [nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in ((1, width), (width, 2 * width), (2 * width, 32))]
        super().__init__(*(layer for conv in convs for layer in (conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU())))
        self.append(nn.AdaptiveAvgPool2d(1)).append(nn.Flatten()).append(nn.Linear(32, 1))


def score(network, split):
    with torch.no_grad():
        wrong = network.eval()(IMAGES[PARTS[split]]).squeeze(1) * 45 - ANGLES[PARTS[split]]
    return wrong.abs().mean().item()


def train(network, epochs=8):
    optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        for batch in torch.randperm(PARTS["train"].stop).split(50):
            optimizer.zero_grad()
            F.smooth_l1_loss(network.train()(IMAGES[batch]).squeeze(1), ANGLES[batch] / 45).backward()
            optimizer.step()
        schedule.step()
        print(epoch, score(network, "search"))


train(Regressor())
