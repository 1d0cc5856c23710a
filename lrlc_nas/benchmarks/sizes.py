"""The sizes at which layers are compared, and how they are written on a command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..layers import Geometry

__all__ = ["OTHERS", "REFERENCE", "Size"]

_NUMBERS = re.compile(r"([0-9]{1,9})(?:x([0-9]{1,9}))?")
_FIELDS = {
    "C": "in_channels",
    "F": "out_channels",
    "kernel": "kernel_size",
    "input": "input_size",
    "B": "batch",
    "padding": "padding",
    "groups": "groups",
}


@dataclass(frozen=True)
class Size:
    """A convolution over a batch of maps; stride and dilation are 1, and padding is added on all four sides."""

    in_channels: int = 64
    out_channels: int = 64
    kernel_size: tuple[int, int] = (3, 3)
    input_size: tuple[int, int] = (28, 28)
    batch: int = 128
    padding: int = 0
    groups: int = 1

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read a size such as ``C=32,F=32,kernel=3,input=14x14,B=128``; the rest is as in the reference size.

        Raises:
            InputError: if the text is not of this form, or no convolution has this size.
        """
        given: dict[str, Any] = {}
        for item in text.split(","):
            key, _, value = item.partition("=")
            if key not in _FIELDS:
                raise InputError(f"--size takes {', '.join(_FIELDS)} as KEY=NUMBER,...; got {item!r}")
            given[_FIELDS[key]] = _value(key, value)
        size = cls(**given)
        if size.batch < 1:
            raise InputError(f"--size requires B of at least 1; got {text!r}")
        try:
            size.geometry  # noqa: B018 - the geometry checks itself
        except InputError as error:
            raise InputError(f"--size {text}: {error}") from None
        return size

    @property
    def geometry(self) -> Geometry:
        """The geometry of the layers of this size."""
        return Geometry(
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.input_size,
            padding=(self.padding, self.padding),
            groups=self.groups,
        )

    def __str__(self) -> str:
        kernel, maps = ("{}x{}".format(*pair) for pair in (self.kernel_size, self.input_size))
        text = f"{self.in_channels}->{self.out_channels} {kernel}, input {maps}, batch {self.batch}"
        text += f", padding {self.padding}" if self.padding else ""
        return text + (f", groups {self.groups}" if self.groups > 1 else "")


REFERENCE = Size()
"""64->64, 3x3, 28x28 maps, batch 128, no padding."""

OTHERS = (
    Size(32, 32, input_size=(14, 14)),
    Size(128, 128, input_size=(14, 14), batch=64, padding=1),
    Size(16, 16, input_size=(32, 32), batch=64),
    Size(input_size=(14, 14), groups=64),
)
"""Smaller, deeper, shallow and wide, depthwise."""


def _value(key: str, text: str) -> int | tuple[int, int]:
    match = _NUMBERS.fullmatch(text)
    paired = key in ("kernel", "input")
    if match is None or (match[2] and not paired):
        raise InputError(f"--size requires {'N or ROWSxCOLUMNS' if paired else 'a number'} for {key}; got {text!r}")
    rows = int(match[1])
    return (rows, int(match[2] or rows)) if paired else rows
