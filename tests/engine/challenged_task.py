"""Tasks that train nothing: their values follow from the plan, the seed and the options, so that the truth is known."""

import numpy as np
import torch
from torch import nn

from lrlc_nas import Metric, Task

SAMPLES = 50


class Host(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 1, 3), nn.Flatten())


def train(network, run):
    """The first convolution gains if it is relaxed, unless an option takes that away."""
    if run.options.get("trouble"):
        raise RuntimeError("no such optimizer")
    gain = run.options.get("gain", 0.3) * run.params["0"].startswith("lrlc")
    noise = np.random.default_rng([run.seed, *map(ord, str(run.params))])
    for epoch in range(2):
        items = 0.4 + gain + 0.02 * noise.standard_normal() + 0.01 * noise.standard_normal(SAMPLES)
        run.report(epoch, items.mean(), items=torch.tensor(items))


def task(**challenges):
    metric = Metric("score", unit="points", scale=100.0)
    return Task(Host, torch.zeros(2, 1, 6, 6), train, lambda network, split: 0.5, metric, challenges=challenges)


lasting = task(longer={"epochs": 60})
fading = task(longer={"gain": 0.0}, turned={"gain": -0.3})
troubled = task(other={"trouble": True})
silent = task()
