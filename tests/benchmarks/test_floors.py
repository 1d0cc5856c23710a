"""The work of each way, against numbers computed by hand and against torch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lrlc_nas.benchmarks import Size
from lrlc_nas.benchmarks.floors import WAYS, Rates, Work, floor_seconds, measure_rates, work
from lrlc_nas.benchmarks.sizes import REFERENCE

# B=2, C=2, F=4, 3x3, 5x6 -> 3x4: x 120, kernel 72, y 96, positions 12, macs 2*12*72 = 1728; K=3.
SIZE = Size(2, 4, input_size=(5, 6), batch=2)
BY_HAND = {
    "conv": (1728, 120 + 72),
    "bank": (3 * 1728 + 3 * 96, 120 + 216 + 36),
    "kernel": (1728 + 3 * 864, 120 + 216 + 36),
    "lc": (1728, 120 + 864),
}


@pytest.mark.parametrize("way", WAYS)
def test_by_hand(way: str) -> None:
    macs, operands = BY_HAND[way]
    forward = Work(2 * macs, 4 * (operands + 96))
    assert work(way, SIZE, 3, 4) == (forward, Work(6 * macs, 4 * (3 * operands + 2 * 96)))


def test_what_need_not_be_stored_is_not_moved() -> None:
    """Both paths of a layer move the same bytes: its input, its parameters and its output."""
    for passes in zip(work("bank", REFERENCE, 8, 4), work("kernel", REFERENCE, 8, 4), strict=True):
        assert len({each.bytes for each in passes}) == 1
        assert passes[0].operations > passes[1].operations


def test_the_reference_size() -> None:
    """3.2 billion multiply-accumulates; at K=4 the banks, and 4*676 weights, are all that is moved besides."""
    (convolution, _), (bank, _), (kernel, _) = (work(way, REFERENCE, 4, 4) for way in ("conv", "bank", "kernel"))
    assert convolution.operations == 2 * 128 * 676 * 9 * 64 * 64
    assert bank.operations == 4 * (convolution.operations + 2 * 128 * 676 * 64)
    assert kernel.operations == convolution.operations * (1 + 4 / 128)
    assert bank.bytes - convolution.bytes == kernel.bytes - convolution.bytes == 4 * (3 * 36864 + 4 * 676)


def test_torch_counts_the_same_operations() -> None:
    size = Size(4, 6, (3, 2), (6, 5), batch=3, padding=1)
    conv = torch.nn.Conv2d(4, 6, (3, 2), padding=1, bias=False)
    x = torch.randn(3, 4, 6, 5, requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        y = conv(x)
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    counted = forward.get_total_flops(), forward.get_total_flops() + backward.get_total_flops()
    assert tuple(each.operations for each in work("conv", size, 0, 4)) == counted


@pytest.mark.parametrize("way", WAYS)
def test_groups_divide_the_operations_of_the_products_with_the_input(way: str) -> None:
    whole, grouped = (work(way, Size(4, 4, groups=groups), 3, 4)[0].operations for groups in (1, 4))
    mixing = 2 * 3 * 128 * 4 * 676 if way == "bank" else 0
    assert whole - mixing == 4 * (grouped - mixing)


def test_half_the_bytes_in_half_the_precision() -> None:
    for way in WAYS:
        for full, half in zip(work(way, SIZE, 2, 4), work(way, SIZE, 2, 2), strict=True):
            assert (full.operations, full.bytes) == (half.operations, 2 * half.bytes)


def test_the_slower_of_computing_and_moving_is_the_floor() -> None:
    assert floor_seconds(Work(100, 30), Rates(operations=10, bytes=10)) == 10
    assert floor_seconds(Work(100, 30), Rates(operations=100, bytes=10)) == 3


def test_rates_are_of_the_work_that_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that ticks once a reading, each repeat takes one second."""
    ticks = iter(range(100))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(ticks)))
    rates = measure_rates(torch.device("cpu"), torch.float32, side=4, numbers=10, repeats=3)
    assert rates == Rates(operations=2 * 4**3, bytes=2 * 10 * 4)
