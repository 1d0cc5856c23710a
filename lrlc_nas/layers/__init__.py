"""Layers between full sharing and none; torch is all they need."""

from .convolution import is_convolution, require_plain, why_not_plain
from .geometry import Geometry
from .locally_connected import LocallyConnected2d
from .low_rank import LowRankLocallyConnected2d


__all__ = [
    "Geometry",
    "LocallyConnected2d",
    "LowRankLocallyConnected2d",
    "is_convolution",
    "require_plain",
    "why_not_plain",
]
