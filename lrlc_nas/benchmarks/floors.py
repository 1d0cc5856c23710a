r"""A floor under the time of a layer: what it must compute and move, at the rates of this device.

.. math::
    \mathrm{floor} = \max(\mathrm{operations} / \mathrm{rate}, \mathrm{bytes} / \mathrm{bandwidth})

A layer is one call that takes operands and gives y, which is linear in each of them. Forward it multiplies and
adds ``macs`` times, reads the operands and writes y. Backward it does so twice (a gradient for each factor of a
product), reads the gradient of y and the operands, and writes the gradients of the operands. Letters: B batch, C
in, F out channels, G groups, H W in, Y X out positions, K rank, T taps.

==============  =====================================  =======  ========================
way             operands                               y        macs
==============  =====================================  =======  ========================
``conv``        x BCHW, kernel TCF/G                   BFYX     B*YX*TCF/G
``bank``        x BCHW, banks K*TCF/G, weights K*YX    BFYX     K*B*YX*TCF/G + K*BFYX
``kernel``      x BCHW, banks K*TCF/G, weights K*YX    BFYX     (K + B)*YX*TCF/G
``lc``          x BCHW, kernels YX*TCF/G               BFYX     B*YX*TCF/G
==============  =====================================  =======  ========================

What lies between is not counted, for no way has to store it: gathered patches, the outputs of the banks, the kernels
of the positions. A pass that keeps them moves more bytes; one that does not computes some of them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .racing import synchronize
from .sizes import Size

__all__ = ["WAYS", "Rates", "Work", "floor_seconds", "measure_rates", "work"]

WAYS = ("conv", "bank", "kernel", "lc")


@dataclass(frozen=True)
class Work:
    """What has to be done: multiplications and additions, two for each multiply-accumulate; bytes read and written."""

    operations: int
    bytes: int


@dataclass(frozen=True)
class Rates:
    """What a device reaches, per second: operations in a large matrix product, bytes in a large copy."""

    operations: float
    bytes: float


def work(way: str, size: Size, rank: int, itemsize: int) -> tuple[Work, Work]:
    """Count the work of the forward pass, and of forward and backward together.

    Args:
        way: one of `WAYS`.
        size: with the batch.
        rank: K; of no account for ``conv`` and ``lc``.
        itemsize: bytes of one number.
    """
    geometry = size.geometry
    positions = geometry.output_size[0] * geometry.output_size[1]
    kernel = geometry.out_channels * geometry.fan_in
    x = size.batch * size.in_channels * size.input_size[0] * size.input_size[1]
    y = size.batch * size.out_channels * positions
    once = positions * kernel
    banks = rank * (kernel + positions)
    macs, parameters = {
        "conv": (size.batch * once, kernel),
        "bank": (rank * (size.batch * once + y), banks),
        "kernel": ((rank + size.batch) * once, banks),
        "lc": (size.batch * once, once),
    }[way]
    operands = x + parameters
    return Work(2 * macs, itemsize * (operands + y)), Work(6 * macs, itemsize * (3 * operands + 2 * y))


def floor_seconds(needed: Work, rates: Rates) -> float:
    """The time below which the device cannot do the work."""
    return max(needed.operations / rates.operations, needed.bytes / rates.bytes)


def measure_rates(
    device: torch.device, dtype: torch.dtype, *, side: int = 0, numbers: int = 2**25, repeats: int = 20
) -> Rates:
    """Measure what a device reaches, as the best of several repeats.

    The matrices have ``side`` rows and columns (0 for 1024 on the CPU and 8192 on CUDA); ``numbers`` are copied.
    """
    side = side or (8192 if device.type == "cuda" else 1024)
    matrix = torch.ones(side, side, device=device, dtype=dtype)
    product = torch.empty_like(matrix)
    source = torch.ones(numbers, device=device, dtype=dtype)
    target = torch.empty_like(source)
    multiplying = _best(lambda: torch.mm(matrix, matrix, out=product), device, repeats)
    copying = _best(lambda: target.copy_(source), device, repeats)
    return Rates(2 * side**3 / multiplying, 2 * source.nbytes / copying)


def _best(call: Callable[[], object], device: torch.device, repeats: int) -> float:
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])  # the first call warms up
