"""Segmentation with a U-Net, in a plain loop: which pixels are a garment, in light that falls from below?

lrlc-nas start --task studies.segmentation:task --trials 24
"""

import torch
from torch import nn
from torch.nn import functional as F

from lrlc_nas.data import load_images

PARTS = {"train": slice(600), "search": slice(600, 900), "confirm": slice(900, 1500), "test": slice(1500, 2100)}
CLEAN = load_images("embedded").images[:2100].float() / 255  # (N, 1, 28, 28)
MASKS = (CLEAN > 0.25).long()[:, 0]
LIGHT = torch.linspace(0.2, 1.0, 28).view(1, 1, 28, 1)
IMAGES = CLEAN * LIGHT + 0.15 * torch.randn(CLEAN.shape, generator=torch.Generator().manual_seed(0))


def block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down, self.deep = block(1, width), block(width, 2 * width)
        self.up, self.out = block(3 * width, width), nn.Conv2d(width, 2, 1)

    def forward(self, images):
        fine = self.down(images)
        coarse = self.deep(F.max_pool2d(fine, 2))
        return self.out(self.up(torch.cat([F.interpolate(coarse, scale_factor=2), fine], 1)))


def score(network, split):
    with torch.no_grad():
        found = network.eval()(IMAGES[PARTS[split]]).argmax(1)
    wanted = MASKS[PARTS[split]]
    return ((found & wanted).sum() / (found | wanted).sum()).item()


def train(network, epochs=8):
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for epoch in range(epochs):
        for batch in torch.randperm(PARTS["train"].stop).split(50):
            optimizer.zero_grad()
            loss = F.cross_entropy(network.train()(IMAGES[batch]), MASKS[batch])
            loss.backward()
            optimizer.step()
        print(epoch, score(network, "search"), loss.item())


train(UNet())
