"""Measuring: the times, the memory and the floor of each contender of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..layers import tune, use_computation
from .contenders import LAYOUTS, Contender, local, low_rank
from .floors import Rates, Work, floor_seconds, work
from .memory import available_bytes, largest_batch, peak_bytes
from .peers import unfolded_bytes
from .racing import Effort, Spread, race
from .records import Comparison, Entry, Pass
from .sizes import Size

__all__ = ["Bench", "compare", "compare_local", "compare_low_rank"]


@dataclass(frozen=True)
class Bench:
    """Where and how to measure.

    Attributes:
        device: CPU or CUDA.
        dtype: of the computation: float32, or another one under autocast.
        rates: what the device reaches.
        effort: how long to time.
    """

    device: torch.device
    dtype: torch.dtype
    rates: Rates
    effort: Effort

    @property
    def itemsize(self) -> int:
        """Bytes of one number of the computation."""
        return self.dtype.itemsize

    def autocast(self) -> AbstractContextManager[object]:
        """The context of every forward pass."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def synchronize(self) -> None:
        """Wait until the device has done what it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def compare_low_rank(size: Size, layout: str, ranks: Sequence[int], bench: Bench) -> Comparison:
    """Compare a convolution, LC, and every way to an LRLC layer at every rank."""
    with _same_numbers():
        contenders = low_rank(size, ranks, bench.device, layout)
    return compare(contenders, size, layout, bench)


def compare_local(size: Size, layout: str, bench: Bench) -> Comparison | None:
    """Compare LC with unfold, product and sum, at the largest batch at which that fits.

    Returns:
        The comparison; None if not even one image fits.
    """
    batch = largest_batch(
        size.batch, lambda batch: unfolded_bytes(size.with_batch(batch), bench.itemsize), available_bytes(bench.device)
    )
    if batch == 0:
        return None
    size = size.with_batch(batch)
    with _same_numbers():
        contenders = local(size, bench.device, layout)
    return compare(contenders, size, layout, bench)


def compare(contenders: Sequence[Contender], size: Size, layout: str, bench: Bench) -> Comparison:
    """Time the forward passes of all contenders, then their training steps, then look at their memory.

    Args:
        contenders: modules of this size, on the device, in the layout.
        size: with the batch.
        layout: of the input.
        bench: where and how.
    """
    x = _images(size, layout, bench)
    calls = {_name(each): _calls(each.module, x, bench) for each in contenders}
    tuned = [each.module for each in contenders if each.kind == "lrlc"]
    with torch.no_grad():
        _tune(tuned, x, bench)
    forward = _raced(calls, 0, bench)
    _tune(tuned, x, bench)
    training = _raced(calls, 1, bench)
    # Last, so that whatever a layer does on its first calls alone is over.
    peaks = {name: peak_bytes(both[1], bench.device) for name, both in calls.items()}

    def entry(each: Contender) -> Entry:
        name = _name(each)
        works = _works(each, size, bench)
        return Entry(
            kind=each.kind,
            rank=each.rank,
            forward=_pass(forward[name], [both[0] for both in works], bench.rates),
            training=_pass(training[name], [both[1] for both in works], bench.rates),
            peak_bytes=peaks[name],
        )

    return Comparison(size, layout, tuple(entry(each) for each in contenders))


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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
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


def _raced(
    calls: Mapping[str, Sequence[Callable[[], object]]], index: int, bench: Bench
) -> dict[str, tuple[float, ...]]:
    racing = {name: both[index] for name, both in calls.items()}
    # Convolutions may try their algorithms in the warm-up, as they do in training at fixed sizes.
    with torch.backends.cudnn.flags(enabled=True, benchmark=True):
        return race(racing, bench.effort, synchronize=bench.synchronize)


def _works(contender: Contender, size: Size, bench: Bench) -> list[tuple[Work, Work]]:
    return [work(way, size, contender.rank, bench.itemsize) for way in contender.ways]


def _pass(seconds: tuple[float, ...], works: Sequence[Work], rates: Rates) -> Pass:
    least = min(works, key=lambda each: floor_seconds(each, rates))
    return Pass(seconds, Spread.of(seconds), least, floor_seconds(least, rates))
