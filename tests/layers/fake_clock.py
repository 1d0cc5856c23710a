"""A clock that says what it was told, and the layer that is measured with it."""

import torch

from lrlc_nas.layers import LowRankLocallyConnected2d


def layer(**options):
    return LowRankLocallyConnected2d(4, 6, 3, 6, 2, **({"path": "auto"} | options))


def images(batch=4, **options):
    return torch.randn(batch, 4, 6, 6, **options)


class Clock:
    """Times that are told beforehand, and the paths that were timed."""

    def __init__(self, **seconds):
        self.seconds = seconds
        self.timed = []

    def __call__(self, compute, leaves, device):
        _, path, _ = compute.args
        self.timed.append(path)
        times = self.seconds[path]
        return times[min(self.timed.count(path), len(times)) - 1] if isinstance(times, list) else times
