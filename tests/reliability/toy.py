"""Studies of a second: three classes told apart by their bright channel, and a host of two convolutions."""

from __future__ import annotations

import json
import time
from collections import OrderedDict

import torch
from torch import Tensor, nn

from lrlc_nas.config import StudyConfig

__all__ = ["NAME", "host", "images", "toy_config"]

NAME = "toy"
"""The name of every study that is made here."""

_CHOICES = ("lrlc-2", "lrlc-3", "lrlc-4", "lrlc-2-rows", "lrlc-2-cols", "lrlc-3-rows", "lrlc-3-cols", "lc")


def images(count: int = 90) -> tuple[Tensor, Tensor]:
    """Pixels (count, 3, 8, 8) of one byte, and labels (count,)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 3
    pixels = torch.randint(0, 150, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    pixels[torch.arange(count), labels] += 40
    return pixels, labels


class Rest(nn.Module):
    """Passes its input on after some seconds, for studies that shall take a while.

    Args:
        seconds: to rest.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, x: Tensor) -> Tensor:
        """Return the input."""
        time.sleep(self.seconds)
        return x


def host(channels: int, classes: int, size: tuple[int, int], sites: int = 2, rest: float = 0.0) -> nn.Module:
    """A host with so many convolutions of three filters, which rests before each batch."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if rest:
        layers["rest"] = Rest(rest)
    height, width = size
    for site in range(sites):
        layers[f"conv{site}"] = nn.Conv2d(channels, 3, 3)
        layers[f"relu{site}"] = nn.ReLU()
        channels, height, width = 3, height - 2, width - 2
    layers["flatten"] = nn.Flatten()
    layers["logits"] = nn.Linear(channels * height * width, classes)
    return nn.Sequential(layers)


def toy_config(
    trials: int, epochs: int, *, sites: int = 2, pruner: str = "successive-halving", rest: float = 0.0
) -> StudyConfig:
    """A study whose space holds 9 plans for each site, and whose training takes a hundredth of a second.

    Args:
        trials: the total number of runs, at most 9^sites.
        epochs: of each run.
        sites: convolutions of the host.
        pruner: ``successive-halving``, or ``none`` where the number of epochs shall be exact.
        rest: seconds that the host rests before each batch.
    """
    module = __name__
    tables = {
        "name": NAME,
        "host": {"name": f"{module}:host", "options": {"sites": sites} | ({"rest": rest} if rest else {})},
        "data": {"name": f"{module}:images", "split": {"search": 24, "confirm": 6, "test": 6}},
        "recipe": {"epochs": epochs, "batch_size": 18, "learning_rate": 0.05, "pad": 1, "flip": True},
        "space": {"choices": list(_CHOICES)},
        "search": {"min_epochs": 1, "host_repeats": 1, "pruner": pruner},
        "budget": {"trials": trials},
        "files": {"keep": "all"},  # the last weights of every run are compared
    }
    return StudyConfig.model_validate_json(json.dumps(tables))
