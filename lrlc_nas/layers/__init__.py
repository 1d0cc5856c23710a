"""Layers between full sharing and none; torch is all they need."""

from .convolution import is_convolution, require_plain, why_not_plain
from .coordinates import CoordConv2d
from .cost import Cost
from .geometry import Geometry
from .locally_connected import LocallyConnected2d
from .low_rank import LowRankLocallyConnected2d
from .random_state import random_state
from .relaxed import RelaxedConv2d
from .smoothness import smoothness_penalty
from .tied_banks import TiedBanksConv2d
from .tuning import tune, use_computation
from .wide import WideConv2d, matching_hidden_channels

__all__ = [
    "CoordConv2d",
    "Cost",
    "Geometry",
    "LocallyConnected2d",
    "LowRankLocallyConnected2d",
    "RelaxedConv2d",
    "TiedBanksConv2d",
    "WideConv2d",
    "is_convolution",
    "matching_hidden_channels",
    "random_state",
    "require_plain",
    "smoothness_penalty",
    "tune",
    "use_computation",
    "why_not_plain",
]
