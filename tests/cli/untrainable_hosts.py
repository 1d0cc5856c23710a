"""Hosts that give logits when they are looked at, and cannot be trained."""

from torch import Tensor, nn


class TwoOutputs(nn.Module):
    """Gives a second output in training, as networks with an auxiliary classifier do."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv, self.logits = nn.Conv2d(channels, 4, 3), nn.Linear(4, classes)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        logits: Tensor = self.logits(self.conv(images).mean((2, 3)))
        return (logits, logits) if self.training else logits


def two_outputs(channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    return TwoOutputs(channels, classes)


def frozen(channels: int, classes: int, size: tuple[int, int]) -> nn.Module:
    layers = nn.Conv2d(channels, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes)
    return nn.Sequential(*layers).requires_grad_(False)
