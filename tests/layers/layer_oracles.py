"""Slow and obvious versions of the layers, and the shapes to try them on.

Nothing here uses the code under test: paddings are index arithmetic, sums are loops.
"""

from dataclasses import dataclass, field

import torch
from hypothesis import strategies as st
from torch import nn

EVEN_SAME = "ignore:Using padding='same' with even kernel lengths"
"""torch warns that Conv2d copies its input here, which is no concern of the tests."""


def source_index(index, size, mode):
    """The row or column that a padded index reads; None reads a zero."""
    if 0 <= index < size:
        return index
    if mode == "zeros":
        return None
    if mode == "replicate":
        return min(max(index, 0), size - 1)
    if mode == "circular":
        return index % size
    return -index if index < 0 else 2 * (size - 1) - index


def before(padding, kernel, dilation):
    """How many rows (columns) are added before the first."""
    if padding == "same":
        return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return (0, 0) if padding == "valid" else padding


def naive_locally_connected(x, kernels, bias, *, stride, padding, dilation, groups, padding_mode):
    """x (B, C, H, W), kernels (Y, X, F, C/G, kh, kw), bias (F, Y, X) -> (B, F, Y, X), by loops."""
    (top, left), (height, width) = before(padding, kernels.shape[-2:], dilation), x.shape[-2:]
    rows, columns, filters, channels, kh, kw = kernels.shape
    maps = []
    for f in range(filters):
        first = f // (filters // groups) * channels
        for i in range(rows):
            for j in range(columns):
                total = bias[f, i, j].expand(len(x))
                for a in range(kh):
                    for b in range(kw):
                        row = source_index(i * stride[0] + a * dilation[0] - top, height, padding_mode)
                        column = source_index(j * stride[1] + b * dilation[1] - left, width, padding_mode)
                        if row is None or column is None:
                            continue
                        for c in range(channels):
                            total = total + kernels[i, j, f, c, a, b] * x[:, first + c, row, column]
                maps.append(total)
    return torch.stack(maps, dim=1).reshape(len(x), filters, rows, columns)


def naive_kernels(banks, combining):
    """banks (K, F, C/G, kh, kw), combining (Y, X, K) -> (Y, X, F, C/G, kh, kw), by loops."""
    rows, columns, rank = combining.shape
    return torch.stack(
        [
            torch.stack([sum(combining[i, j, k] * banks[k] for k in range(rank)) for j in range(columns)])
            for i in range(rows)
        ]
    )


@dataclass(frozen=True)
class Shape:
    """Arguments of a convolution and the size of its input."""

    channels: tuple[int, int]
    kernel_size: tuple[int, int]
    input_size: tuple[int, int]
    options: dict = field(default_factory=dict)

    @property
    def arguments(self):
        return (*self.channels, self.kernel_size, self.input_size)

    def conv(self, *, bias=True, dtype=torch.float64):
        return nn.Conv2d(*self.channels, self.kernel_size, bias=bias, dtype=dtype, **self.options)

    def images(self, batch=2, dtype=torch.float64):
        return torch.randn(batch, self.channels[0], *self.input_size, dtype=dtype)


def _shape(channels, kernel, size, **options):
    defaults = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
    return Shape(channels, kernel, size, defaults | options)


SHAPES = {
    "plain": _shape((2, 3), (3, 3), (5, 6)),
    "even kernel": _shape((2, 3), (2, 4), (5, 6), padding="same"),
    "same": _shape((2, 3), (3, 2), (4, 5), padding="same", dilation=(2, 1)),
    "valid": _shape((2, 3), (1, 3), (4, 5), padding="valid"),
    "stride": _shape((2, 3), (3, 3), (7, 6), stride=(2, 3), padding=(1, 0)),
    "dilation": _shape((2, 3), (3, 2), (7, 6), dilation=(2, 3), padding=(1, 2)),
    "groups": _shape((4, 6), (3, 3), (5, 4), groups=2, padding=(1, 1)),
    "depthwise": _shape((3, 6), (3, 3), (5, 4), groups=3, padding=(1, 1), stride=(2, 1)),
    "pointwise": _shape((3, 4), (1, 1), (3, 4)),
    "reflect": _shape((2, 3), (3, 3), (4, 5), padding=(2, 1), padding_mode="reflect"),
    "replicate": _shape((2, 3), (3, 3), (4, 5), padding=(2, 1), padding_mode="replicate", stride=(2, 2)),
    "circular": _shape((2, 3), (3, 3), (4, 5), padding=(1, 2), padding_mode="circular", dilation=(1, 2)),
}
"""One shape for each option, small enough for loops."""


@st.composite
def shapes(draw):
    """Any mixture of the options."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    kernel, dilation, slack = draw(pairs), draw(pairs), draw(pairs)
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = (extent[0] + slack[0], extent[1] + slack[1])
    room = st.tuples(st.integers(0, min(2, size[0] - 1)), st.integers(0, min(2, size[1] - 1)))
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), room))
    return Shape(
        (groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))),
        kernel,
        size,
        {
            "stride": (1, 1) if padding == "same" else draw(pairs),
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "padding_mode": draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        },
    )


def randomised(layer):
    """Give every parameter its own random values, so that no law holds by symmetry."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    return layer


def assert_equal_maps(actual, expected, tolerance=1e-10):
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)
