"""The kernels that run on the device: forward, gradient of the input, gradients of banks and weights.

C and F are those of one group here. Maps are channels last, (B, H, W, G*C), and banks are packed as
(G, T, K, C, F), so that neighbouring threads read neighbouring numbers everywhere. The tile of a position's
kernel, ``sum_k w[k] * bank[k]``, is built in registers, in float32, and rounded to the dtype of the product.
"""

# Triton compiles these functions: their arguments are pointers and scalars of its language, not Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import triton  # type: ignore[import-untyped]
import triton.language as tl  # type: ignore[import-untyped]

__all__ = ["input_gradient_kernel", "output_kernel", "parameter_gradient_kernel"]


@triton.jit
def _product(a, b, total, PRECISION: tl.constexpr, WIDEN: tl.constexpr):
    # Triton's interpreter keeps bfloat16 as bits and would multiply those.
    if WIDEN:
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, total, input_precision=PRECISION)


@triton.jit
def _mixture(bank, combining, offsets, mask, bank_size, RANK: tl.constexpr):
    """``sum_k w[k] * bank_k`` over one tile: bank points to the first bank, combining to K numbers."""
    tile = tl.load(combining) * tl.load(bank + offsets, mask=mask, other=0.0).to(tl.float32)
    for k in tl.static_range(1, RANK):
        part = tl.load(bank + k * bank_size + offsets, mask=mask, other=0.0).to(tl.float32)
        tile += tl.load(combining + k) * part
    return tile


@triton.jit
def _first_tap(shifted, stride, dilation, STEP: tl.constexpr, TAPS: tl.constexpr):
    """The first tap that some output sees an input line through, or TAPS: every STEP-th after it does so too."""
    first = TAPS
    for back in tl.static_range(STEP):
        tap = STEP - 1 - back
        first = tl.where((shifted - tap * dilation) % stride == 0, tap, first)
    return tl.minimum(first, TAPS)


@triton.jit
def output_kernel(
    x, banks, combining, y,
    batch, batch_bucket, channels, filters, height, width, rows, columns,
    stride_h, stride_w, dilation_h, dilation_w, top, left,
    KERNEL_ROWS: tl.constexpr, KERNEL_COLUMNS: tl.constexpr, RANK: tl.constexpr, PRECISION: tl.constexpr,
    WIDEN: tl.constexpr, BLOCK_B: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr,
):  # fmt: skip
    """``y[b, i, j, f] = sum_{t, c} x[b, p(i, j) + t, c] * sum_k w[i, j, k] * bank[t, k, c, f]``.

    One program for a position, a block of images and filters, and a group: grid (Y*X, blocks, G).
    """
    position, group, groups = tl.program_id(0), tl.program_id(2), tl.num_programs(2)
    f_blocks, c_blocks = tl.cdiv(filters, BLOCK_F), tl.cdiv(channels, BLOCK_C)
    b = (tl.program_id(1) // f_blocks * BLOCK_B + tl.arange(0, BLOCK_B)).to(tl.int64)
    f = tl.program_id(1) % f_blocks * BLOCK_F + tl.arange(0, BLOCK_F)
    corner_row, corner_column = position // columns * stride_h - top, position % columns * stride_w - left
    bank_size = channels * filters
    total = tl.zeros((BLOCK_B, BLOCK_F), dtype=tl.float32)
    for step in range(KERNEL_ROWS * KERNEL_COLUMNS * c_blocks):
        tap = step // c_blocks
        c = step % c_blocks * BLOCK_C + tl.arange(0, BLOCK_C)
        row = corner_row + tap // KERNEL_COLUMNS * dilation_h
        column = corner_column + tap % KERNEL_COLUMNS * dilation_w
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        pixels = ((b * height + row) * width + column) * groups * channels + group * channels
        seen = (b < batch)[:, None] & (c < channels)[None, :] & inside
        patch = tl.load(x + pixels[:, None] + c[None, :], mask=seen, other=0.0)
        kernel = _mixture(
            banks + (group * KERNEL_ROWS * KERNEL_COLUMNS + tap) * RANK * bank_size,
            combining + position * RANK,
            c[:, None] * filters + f[None, :],
            (c < channels)[:, None] & (f < filters)[None, :],
            bank_size,
            RANK,
        )
        total = _product(patch, kernel.to(patch.dtype), total, PRECISION, WIDEN)
    pixels = (b * rows * columns + position) * groups * filters + group * filters
    kept = (b < batch)[:, None] & (f < filters)[None, :]
    tl.store(y + pixels[:, None] + f[None, :], total.to(y.dtype.element_ty), mask=kept)


@triton.jit
def input_gradient_kernel(
    grad_y, banks, combining, grad_x,
    batch, batch_bucket, channels, filters, height, width, rows, columns,
    stride_h, stride_w, dilation_h, dilation_w, top, left,
    KERNEL_ROWS: tl.constexpr, KERNEL_COLUMNS: tl.constexpr, STEP_H: tl.constexpr, STEP_W: tl.constexpr,
    RANK: tl.constexpr, PRECISION: tl.constexpr, WIDEN: tl.constexpr, BLOCK_B: tl.constexpr, BLOCK_C: tl.constexpr,
    BLOCK_F: tl.constexpr,
):  # fmt: skip
    """``grad_x[b, q, c] = sum_{i, j, t, f} grad_y[b, i, j, f] * kernel[i, j, t, c, f]`` where p(i, j) + t = q.

    A gather: one program for an input pixel, a block of images and channels, and a group: grid (H*W, blocks,
    G). It visits only the taps through which some output sees the pixel: every STEP-th along each axis,
    with STEP = stride / gcd(stride, dilation).
    """
    pixel, group, groups = tl.program_id(0), tl.program_id(2), tl.num_programs(2)
    f_blocks, c_blocks = tl.cdiv(filters, BLOCK_F), tl.cdiv(channels, BLOCK_C)
    b = (tl.program_id(1) // c_blocks * BLOCK_B + tl.arange(0, BLOCK_B)).to(tl.int64)
    c = tl.program_id(1) % c_blocks * BLOCK_C + tl.arange(0, BLOCK_C)
    shifted_row, shifted_column = pixel // width + top, pixel % width + left
    first_row = _first_tap(shifted_row, stride_h, dilation_h, STEP_H, KERNEL_ROWS)
    first_column = _first_tap(shifted_column, stride_w, dilation_w, STEP_W, KERNEL_COLUMNS)
    tap_rows = tl.cdiv(KERNEL_ROWS - first_row, STEP_H)
    tap_columns = tl.cdiv(KERNEL_COLUMNS - first_column, STEP_W)
    bank_size = channels * filters
    total = tl.zeros((BLOCK_B, BLOCK_C), dtype=tl.float32)
    for step in range(tap_rows * tap_columns * f_blocks):
        f = step % f_blocks * BLOCK_F + tl.arange(0, BLOCK_F)
        tap_row = first_row + step // f_blocks // tap_columns * STEP_H
        tap_column = first_column + step // f_blocks % tap_columns * STEP_W
        reach_row, reach_column = shifted_row - tap_row * dilation_h, shifted_column - tap_column * dilation_w
        i, j = reach_row // stride_h, reach_column // stride_w
        inside = (reach_row >= 0) & (i < rows) & (reach_column >= 0) & (j < columns)
        # A place outside has no weights: read those of the first, and multiply them by zeros.
        position = tl.where(inside, i * columns + j, 0)
        pixels = (b * rows * columns + position) * groups * filters + group * filters
        seen = (b < batch)[:, None] & (f < filters)[None, :] & inside
        gradient = tl.load(grad_y + pixels[:, None] + f[None, :], mask=seen, other=0.0)
        tap = (group * KERNEL_ROWS + tap_row) * KERNEL_COLUMNS + tap_column
        kernel = _mixture(
            banks + tap * RANK * bank_size,
            combining + position * RANK,
            c[None, :] * filters + f[:, None],
            (c < channels)[None, :] & (f < filters)[:, None],
            bank_size,
            RANK,
        )
        total = _product(gradient, kernel.to(gradient.dtype), total, PRECISION, WIDEN)
    pixels = (b * height * width + pixel) * groups * channels + group * channels
    kept = (b < batch)[:, None] & (c < channels)[None, :]
    tl.store(grad_x + pixels[:, None] + c[None, :], total.to(grad_x.dtype.element_ty), mask=kept)


@triton.jit
def parameter_gradient_kernel(
    x, grad_y, banks, combining, grad_banks, grad_combining,
    batch, batch_bucket, channels, filters, height, width, rows, columns,
    stride_h, stride_w, dilation_h, dilation_w, top, left,
    KERNEL_ROWS: tl.constexpr, KERNEL_COLUMNS: tl.constexpr, RANK: tl.constexpr, RANK_PADDED: tl.constexpr,
    FOR_BANKS: tl.constexpr, FOR_COMBINING: tl.constexpr, PRECISION: tl.constexpr, WIDEN: tl.constexpr,
    BLOCK_B: tl.constexpr, BLOCK_C: tl.constexpr, BLOCK_F: tl.constexpr,
):  # fmt: skip
    """Partial sums of the gradients of banks and combining weights.

    With ``d[i, j, t, c, f] = sum_b x[b, p(i, j) + t, c] * grad_y[b, i, j, f]``:
    ``grad_banks[t, k, c, f] = sum_{i, j} w[i, j, k] * d`` and ``grad_w[i, j, k] = sum_{t, c, f} bank * d``.

    One program for a tile (tap, block of C, block of F), a run of positions, and a group: grid (tiles, runs,
    G). It writes its run's share of grad_banks, (runs, G, T, K, C, F), and its tile's share of
    grad_combining, (G, tiles, Y*X, K).
    """
    tile, run, group, groups = tl.program_id(0), tl.program_id(1), tl.program_id(2), tl.num_programs(2)
    f_blocks, c_blocks = tl.cdiv(filters, BLOCK_F), tl.cdiv(channels, BLOCK_C)
    tap = tile // (c_blocks * f_blocks)
    c = tile // f_blocks % c_blocks * BLOCK_C + tl.arange(0, BLOCK_C)
    f = tile % f_blocks * BLOCK_F + tl.arange(0, BLOCK_F)
    k = tl.arange(0, RANK_PADDED)
    bank_size = channels * filters
    bank = (group * KERNEL_ROWS * KERNEL_COLUMNS + tap) * RANK * bank_size
    places = (k * bank_size)[:, None, None] + (c * filters)[None, :, None] + f[None, None, :]
    kept = (k < RANK)[:, None, None] & (c < channels)[None, :, None] & (f < filters)[None, None, :]
    positions = rows * columns
    length = tl.cdiv(positions, tl.num_programs(1))
    total = tl.zeros((RANK_PADDED, BLOCK_C, BLOCK_F), dtype=tl.float32)
    for position in range(run * length, tl.minimum((run + 1) * length, positions)):
        row = position // columns * stride_h - top + tap // KERNEL_COLUMNS * dilation_h
        column = position % columns * stride_w - left + tap % KERNEL_COLUMNS * dilation_w
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        product = tl.zeros((BLOCK_C, BLOCK_F), dtype=tl.float32)
        for first in range(0, batch, BLOCK_B):
            b = (first + tl.arange(0, BLOCK_B)).to(tl.int64)
            pixels = ((b * height + row) * width + column) * groups * channels + group * channels
            seen = (b < batch)[None, :] & (c < channels)[:, None] & inside
            patch = tl.load(x + pixels[None, :] + c[:, None], mask=seen, other=0.0)
            pixels = (b * positions + position) * groups * filters + group * filters
            seen = (b < batch)[:, None] & (f < filters)[None, :]
            gradient = tl.load(grad_y + pixels[:, None] + f[None, :], mask=seen, other=0.0)
            product = _product(patch, gradient, product, PRECISION, WIDEN)
        if FOR_BANKS:
            weights = tl.load(combining + position * RANK + k, mask=k < RANK, other=0.0)
            total += weights[:, None, None] * product[None, :, :]
        if FOR_COMBINING:
            values = tl.load(banks + bank + places, mask=kept, other=0.0).to(tl.float32)
            share = tl.sum(tl.sum(values * product[None, :, :], axis=2), axis=1)
            place = ((group * tl.num_programs(0) + tile).to(tl.int64) * positions + position) * RANK
            tl.store(grad_combining + place + k, share, mask=k < RANK)
    if FOR_BANKS:
        all_banks = groups * KERNEL_ROWS * KERNEL_COLUMNS * RANK * bank_size
        tl.store(grad_banks + run.to(tl.int64) * all_banks + bank + places, total, mask=kept)
