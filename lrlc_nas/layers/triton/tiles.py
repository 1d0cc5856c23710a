"""Tile sizes: what Triton's autotuner may choose from, and the kernels tuned over them.

For 3x3 kernels, 64 to 64 channels and ranks 2, 8 and 16, each entry that fits compiles for sm_80 and sm_90 with at
most 56 spilled bytes for a thread; the tests repeat that for the largest. Under Triton's interpreter, which is
slow and has no clock to go by, each kernel has one small tile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
import triton  # type: ignore[import-untyped]

from .device import input_gradient_kernel, output_kernel, parameter_gradient_kernel

__all__ = [
    "INTERPRETED",
    "PARAMETER_TILES",
    "PRODUCT_TILES",
    "ParameterTile",
    "ProductTile",
    "fits_parameter_gradient",
    "fits_product",
    "input_gradient",
    "output",
    "parameter_gradient",
    "parameter_tile",
    "shared_memory",
]

INTERPRETED: bool = triton.knobs.runtime.interpret
"""Whether the kernels run in Triton's interpreter, on tensors of the CPU; settled when Triton is imported."""

ProductTile: TypeAlias = tuple[int, int, int, int, int]
"""Images, channels summed, channels written, warps, stages."""

ParameterTile: TypeAlias = tuple[int, int, int]
"""Images, warps, stages; `parameter_tile` gives the channels."""

_SMALLEST: ProductTile = (16, 16, 16, 1, 2)

PRODUCT_TILES: Mapping[int, Sequence[ProductTile]] = {
    2: (
        (256, 32, 64, 8, 3),
        (128, 64, 64, 8, 2),
        (128, 32, 64, 4, 3),
        (128, 16, 64, 4, 3),
        (64, 32, 64, 4, 3),
        (64, 32, 32, 4, 3),
        (16, 32, 64, 4, 3),
        _SMALLEST,
    ),
    4: ((64, 32, 64, 8, 2), (64, 16, 32, 4, 2), (32, 32, 32, 4, 2), (16, 32, 32, 4, 2), _SMALLEST),
}
"""Bytes of a number to the tiles of `output` and `input_gradient`."""

PARAMETER_TILES: Sequence[ParameterTile] = ((128, 8, 2), (128, 4, 2), (64, 8, 3), (32, 8, 2), (32, 4, 2))
"""The tiles of `parameter_gradient`."""

_PER_WARP = 1024  # numbers of the K tiles that the registers of one warp hold without spilling
_PROBLEM = ("batch_bucket", "channels", "filters", "height", "width", "rows", "columns", "stride_h", "stride_w")
_CONSTANTS = ("KERNEL_ROWS", "KERNEL_COLUMNS", "RANK", "PRECISION")


def parameter_tile(rank: int, channels: int, filters: int, bytes_each: int) -> tuple[int, int]:
    """Channels in and out of one tile of `parameter_gradient`, which keeps K such tiles in registers.

    The partial sums have one entry for each tile, so that this is not left to the autotuner.
    """
    sides = (16,) if INTERPRETED else (64, 32, 16) if bytes_each == 2 else (32, 16)
    padded = triton.next_power_of_2(rank)
    largest = next((side for side in sides if padded * side**2 <= 8 * _PER_WARP), sides[-1])
    return (min(largest, _block(channels)), min(largest, _block(filters)))


def shared_memory(tile: ProductTile, rank: int, bytes_each: int) -> int:
    """Bytes of shared memory that one program of a product takes: what is under way, and what is multiplied."""
    images, summed, written, _, stages = tile
    loaded = rank * summed * written + images * summed
    multiplied = images * summed + summed * written
    scalars = 16 * rank  # the combining weights of the next step, each in a slot of its own
    return bytes_each * ((stages - 1) * loaded + multiplied) + scalars


def fits_product(tile: ProductTile, problem: tuple[int, int, int], rank: int, bytes_each: int, limit: int) -> bool:
    """Whether a tile is no larger than the problem (images, summed, written) and fits the shared memory."""
    within = all(side <= _block(size) for side, size in zip(tile[:3], problem, strict=True))
    return within and shared_memory(tile, rank, bytes_each) <= limit


def fits_parameter_gradient(tile: ParameterTile, batch: int, held: int) -> bool:
    """Whether a tile is no larger than the batch, and its warps hold that many numbers in registers."""
    images, warps, _ = tile
    return images <= max(32, _block(batch)) and held <= warps * _PER_WARP


def _block(size: int) -> int:
    """The least power of two that covers a size, from 16: a matrix product takes no less."""
    return max(16, int(triton.next_power_of_2(size)))


def _tuned_product(kernel: Any, summed: str, written: str) -> Any:
    """Let the autotuner choose among the product tiles; summed and written name C or F."""
    blocks = ("BLOCK_B", f"BLOCK_{summed}", f"BLOCK_{written}")
    sizes = {"C": "channels", "F": "filters"}

    def config(tile: ProductTile) -> triton.Config:
        return triton.Config(dict(zip(blocks, tile[:3], strict=True)), num_warps=tile[3], num_stages=tile[4])

    def keep(configs: Sequence[Any], _: Mapping[str, Any], **arguments: Any) -> list[Any]:
        banks: torch.Tensor = arguments["banks"]
        width, rank = banks.element_size(), arguments["RANK"]
        device: Any = torch.cuda.get_device_properties(banks.device)  # torch's stubs lack what is asked of it
        limit = device.shared_memory_per_block_optin
        problem = (arguments["batch_bucket"], arguments[sizes[summed]], arguments[sizes[written]])
        tiles = [(*(c.kwargs[block] for block in blocks), c.num_warps, c.num_stages) for c in configs]
        return [
            c
            for c, tile in zip(configs, tiles, strict=True)
            if tile in PRODUCT_TILES[width] and fits_product(tile, problem, rank, width, limit)
        ]

    every = dict.fromkeys(tile for table in PRODUCT_TILES.values() for tile in table)
    return triton.autotune(
        configs=[config(tile) for tile in ([_SMALLEST] if INTERPRETED else every)],
        key=[*_PROBLEM, *_CONSTANTS],
        prune_configs_by={"early_config_prune": keep},
        cache_results=True,  # another process on this machine takes the same tiles, and rounds alike
    )(kernel)


def _keep_parameter_tiles(configs: Sequence[Any], _: Mapping[str, Any], **arguments: Any) -> list[Any]:
    held = arguments["RANK_PADDED"] * arguments["BLOCK_C"] * arguments["BLOCK_F"]
    tiles = [(c.kwargs["BLOCK_B"], c.num_warps, c.num_stages) for c in configs]
    batch = arguments["batch_bucket"]
    return [c for c, tile in zip(configs, tiles, strict=True) if fits_parameter_gradient(tile, batch, held)]


output = _tuned_product(output_kernel, summed="C", written="F")
"""`output_kernel` with the fastest tile for each problem."""

input_gradient = _tuned_product(input_gradient_kernel, summed="F", written="C")
"""`input_gradient_kernel` with the fastest tile for each problem."""

parameter_gradient = triton.autotune(
    configs=[
        triton.Config({"BLOCK_B": images}, num_warps=warps, num_stages=stages)
        for images, warps, stages in ([(16, 4, 2)] if INTERPRETED else PARAMETER_TILES)
    ],
    key=[*_PROBLEM, *_CONSTANTS, "FOR_BANKS", "FOR_COMBINING"],
    prune_configs_by={"early_config_prune": _keep_parameter_tiles},
    cache_results=True,
)(parameter_gradient_kernel)
"""`parameter_gradient_kernel` with the fastest tile for each problem."""
