"""The geometry of a convolution over maps of one known size.

Letters of this package: B batch, C in channels, F out channels, G groups, H W input size, Y X output
positions, K rank, T taps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError

__all__ = ["CONV_OPTIONS", "PADDING_MODES", "Geometry"]

CONV_OPTIONS = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
"""What a geometry shares with a `torch.nn.Conv2d`."""

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class Geometry:
    """What `torch.nn.Conv2d` knows of its shape, and (H, W) of its input before padding.

    Padding is (rows, columns), added on both sides, ``"same"`` or ``"valid"``; each of the G groups of F/G out channels
    reads C/G in channels.
    """

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    input_size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] | str = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    padding_mode: str = "zeros"

    @classmethod
    def of(
        cls,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        input_size: int | Sequence[int],
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
    ) -> Geometry:
        """Make a geometry from arguments as `torch.nn.Conv2d` takes them: one integer may stand for two."""
        return cls(
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=_pair("kernel_size", kernel_size),
            input_size=_pair("input_size", input_size),
            stride=_pair("stride", stride),
            padding=padding if isinstance(padding, str) else _pair("padding", padding),
            dilation=_pair("dilation", dilation),
            groups=groups,
            padding_mode=padding_mode,
        )

    @classmethod
    def of_conv(cls, conv: nn.Conv2d, input_size: int | Sequence[int]) -> Geometry:
        """The geometry of a convolution over maps of size ``input_size``."""
        return cls.of(input_size=input_size, **{name: getattr(conv, name) for name in CONV_OPTIONS})

    def empty_conv(self, *, device: torch.device | str | None, **options: Any) -> nn.Conv2d:
        """A convolution of this geometry that draws no random number: its weights are what lay in the memory."""
        own = {name: getattr(self, name) for name in CONV_OPTIONS}
        return nn.Conv2d(**own | options, device="meta").to_empty(device=device or torch.get_default_device())

    def __post_init__(self) -> None:
        _require_positive(self)
        _require_groups(self)
        _require_padding(self)
        if min(self.output_size) < 1:
            raise InputError(
                f"the kernel does not fit: input_size={self.input_size} with kernel_size={self.kernel_size}, "
                f"dilation={self.dilation} and padding={self.padding!r} leaves no output position"
            )

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """(F, C/G, rows, columns): the shape of the kernel of one position."""
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    @property
    def fan_in(self) -> int:
        """T*C/G: how many products one output value sums."""
        return self.kernel_size[0] * self.kernel_size[1] * self.in_channels // self.groups

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns of input that one dilated kernel covers."""
        (kh, kw), (dh, dw) = self.kernel_size, self.dilation
        return (dh * (kh - 1) + 1, dw * (kw - 1) + 1)

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """(left, right, top, bottom), the order of `torch.nn.functional.pad`.

        ``"same"`` puts the odd element on the right and at the bottom, as `torch.nn.Conv2d` does.
        """
        if self.padding == "same":
            rows, columns = (extent - 1 for extent in self.extent)
            return (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        if isinstance(self.padding, str):
            return (0, 0, 0, 0)
        rows, columns = self.padding
        return (columns, columns, rows, rows)

    @property
    def output_size(self) -> tuple[int, int]:
        """(Y, X)."""
        left, right, top, bottom = self.pads
        padded = (self.input_size[0] + top + bottom, self.input_size[1] + left + right)
        rows, columns = ((p - e) // s + 1 for p, e, s in zip(padded, self.extent, self.stride, strict=True))
        return (rows, columns)

    @property
    def positions(self) -> int:
        """Y*X."""
        return self.output_size[0] * self.output_size[1]

    def require_input(self, x: Tensor) -> None:
        """Raise `InputError` unless x has shape (B, C, H, W) or (C, H, W) with this C, H and W."""
        if x.dim() not in (3, 4):
            raise InputError(f"the input must have shape (B, C, H, W) or (C, H, W), but has shape {tuple(x.shape)}")
        if x.shape[-3] != self.in_channels:
            raise InputError(f"this layer takes {self.in_channels} in channels, but the input has {x.shape[-3]}")
        if tuple(x.shape[-2:]) != self.input_size:
            raise InputError(
                f"this layer was made for maps of size {self.input_size}, but the input is of size "
                f"{tuple(x.shape[-2:])}; a layer with weights for each position cannot change its size"
            )

    def describe(self) -> str:
        """The text of ``extra_repr``, in the manner of `torch.nn.Conv2d`: what differs from the default."""
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}",
            f"input_size={self.input_size}, stride={self.stride}",
        ]
        defaults = {"padding": (0, 0), "dilation": (1, 1), "groups": 1, "padding_mode": "zeros"}
        for name, default in defaults.items():
            value = getattr(self, name)
            if value != default:
                parts.append(f"{name}={value}")
        return ", ".join(parts)


def _pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2 or not all(isinstance(number, int) for number in pair):
        raise InputError(f"{name} must be an integer or a pair of integers, but is {value!r}")
    return (pair[0], pair[1])


def _require_positive(geometry: Geometry) -> None:
    for name in ("in_channels", "out_channels", "groups", "kernel_size", "input_size", "stride", "dilation"):
        value = getattr(geometry, name)
        numbers = value if isinstance(value, tuple) else (value,)
        if min(numbers) < 1:
            raise InputError(f"{name} must be at least 1, but is {value}")


def _require_groups(geometry: Geometry) -> None:
    for name in ("in_channels", "out_channels"):
        if getattr(geometry, name) % geometry.groups:
            raise InputError(f"{name} (={getattr(geometry, name)}) must be divisible by groups (={geometry.groups})")


def _require_padding(geometry: Geometry) -> None:
    padding, mode = geometry.padding, geometry.padding_mode
    if isinstance(padding, str) and padding not in ("same", "valid"):
        raise InputError(f"padding must be integers, 'same' or 'valid', but is {padding!r}")
    if padding == "same" and geometry.stride != (1, 1):
        raise InputError(f"padding='same' requires stride 1, but stride is {geometry.stride}")
    if mode not in PADDING_MODES:
        raise InputError(f"padding_mode must be one of {', '.join(PADDING_MODES)}, but is {mode!r}")
    left, right, top, bottom = geometry.pads
    if min(geometry.pads) < 0:
        raise InputError(f"padding must be at least 0, but is {padding}")
    room = {"reflect": 1, "circular": 0}.get(mode)
    height, width = geometry.input_size
    if room is not None and (max(top, bottom) > height - room or max(left, right) > width - room):
        raise InputError(f"padding_mode={mode!r} cannot pad {geometry.input_size} maps by padding={padding!r}")
