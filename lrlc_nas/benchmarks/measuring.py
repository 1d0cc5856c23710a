"""Measuring: the times, the memory and the floor of each contender of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..layers import random_state, tune, use_computation
from .contenders import LAYOUTS, Contender, local, low_rank
from .floors import Rates, Work, floor_seconds, work
from .memory import available_bytes, largest_batch, peak_bytes
from .peers import unfolded_bytes
from .racing import Effort, Spread, race, synchronize
from .records import Comparison, Entry, Pass
from .sizes import Size

__all__ = ["Bench", "compare", "compare_local", "compare_low_rank"]


@dataclass(frozen=True)
class Bench:
    """Where and how to measure, in float32 or in another type under autocast."""

    device: torch.device
    dtype: torch.dtype
    rates: Rates
    effort: Effort

    def autocast(self) -> AbstractContextManager[object]:
        """The context of every forward pass."""
        return nullcontext() if self.dtype == torch.float32 else torch.autocast(self.device.type, self.dtype)


def compare_low_rank(size: Size, layout: str, ranks: Sequence[int], bench: Bench) -> Comparison:
    """Compare a convolution, LC, and every way to an LRLC layer at every rank."""
    with _same_numbers():
        contenders = low_rank(size, ranks, bench.device, layout)
    return compare(contenders, size, layout, bench)


def compare_local(size: Size, layout: str, bench: Bench) -> Comparison | None:
    """Compare LC with unfold, product and sum at the largest batch at which that fits; None if no image fits."""

    def needed(batch: int) -> int:
        return unfolded_bytes(replace(size, batch=batch), bench.dtype.itemsize)

    batch = largest_batch(size.batch, needed, available_bytes(bench.device))
    if batch == 0:
        return None
    size = replace(size, batch=batch)
    with _same_numbers():
        contenders = local(size, bench.device, layout)
    return compare(contenders, size, layout, bench)


def compare(contenders: Sequence[Contender], size: Size, layout: str, bench: Bench) -> Comparison:
    """Time the forward passes of all contenders, then their training steps, then measure their peak memory.

    The contenders are modules of this size, on the device, in the layout, which is also that of the input.
    """
    x = _images(size, layout, bench)
    calls = {_name(each): _calls(each.module, x, bench) for each in contenders}
    tuned = [each.module for each in contenders if each.kind == "lrlc"]
    with torch.no_grad():
        _tune(tuned, x, bench)
    forward = _raced({name: both[0] for name, both in calls.items()}, bench)
    _tune(tuned, x, bench)
    training = _raced({name: both[1] for name, both in calls.items()}, bench)
    # Last, so that whatever a layer does on its first calls alone is over.
    peaks = {name: peak_bytes(both[1], bench.device) for name, both in calls.items()}

    def entry(each: Contender) -> Entry:
        name = _name(each)
        works = zip(*(work(way, size, each.rank, bench.dtype.itemsize) for way in each.ways), strict=True)
        times = (forward[name], training[name])
        passes = [_pass(seconds, of_ways, bench.rates) for seconds, of_ways in zip(times, works, strict=True)]
        return Entry(each.kind, each.rank, passes[0], passes[1], peaks[name])

    return Comparison(size, layout, tuple(map(entry, contenders)))


def _tune(modules: Sequence[nn.Module], x: Tensor, bench: Bench) -> None:
    """Settle the path of low-rank layers for what is raced next, whatever it was."""
    for module in modules:
        use_computation(module, "auto")
        with bench.autocast():
            tune(module, x)


def _name(contender: Contender) -> str:
    return f"{contender.kind} {contender.rank}"


@contextmanager
def _same_numbers() -> Iterator[None]:
    """The same weights in every benchmark, and the caller's random numbers left alone."""
    with random_state(0):
        yield


def _images(size: Size, layout: str, bench: Bench) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(size.batch, size.in_channels, *size.input_size, generator=generator)
    placed = x.to(bench.device, bench.dtype).contiguous(memory_format=LAYOUTS[layout])
    return placed.requires_grad_()


def _calls(module: nn.Module, x: Tensor, bench: Bench) -> tuple[Callable[[], object], Callable[[], object]]:
    parameters = list(module.parameters())

    def forward() -> Tensor:
        with torch.no_grad(), bench.autocast():
            y: Tensor = module(x)
        return y

    gradient = torch.ones_like(forward())

    def training() -> object:
        with bench.autocast():
            y = module(x)
        return torch.autograd.grad(y, [x, *parameters], gradient)

    return forward, training


def _raced(calls: Mapping[str, Callable[[], object]], bench: Bench) -> dict[str, tuple[float, ...]]:
    # Convolutions may try their algorithms in the warm-up, as they do in training at fixed sizes.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        return race(calls, bench.effort, wait=lambda: synchronize(bench.device))


def _pass(seconds: tuple[float, ...], works: Sequence[Work], rates: Rates) -> Pass:
    least = min(works, key=lambda each: floor_seconds(each, rates))
    return Pass(seconds, Spread.of(seconds), least, floor_seconds(least, rates))
