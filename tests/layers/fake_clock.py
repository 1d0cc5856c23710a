"""A clock that says what it was told, and the layer that is measured with it."""

import torch

from lrlc_nas.layers import LowRankLocallyConnected2d


def layer(**options):
    return LowRankLocallyConnected2d(4, 6, 3, 6, 2, **options)


def images(batch=4, **options):
    return torch.randn(batch, 4, 6, 6, **options)


class Clock:
    """Times that are told beforehand, and what was timed: the computation, and whether x needs a gradient."""

    def __init__(self, **seconds):
        self.seconds = seconds
        self.timed = []
        self.inputs = []

    def __call__(self, layer, computation, x):
        self.timed.append(computation)
        self.inputs.append(x)
        times = self.seconds[computation]
        return times[min(self.timed.count(computation), len(times)) - 1] if isinstance(times, list) else times
