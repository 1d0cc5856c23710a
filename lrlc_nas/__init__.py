"""Where should a network stop sharing its kernels across positions, by how much, and is the gain real?

The public names are here. Each is loaded when it is asked for, so that `import lrlc_nas` imports nothing and
`lrlc_nas.layers` needs torch alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .config import StudyConfig as StudyConfig
    from .config import load_config as load_config
    from .engine import Objective as Objective
    from .layers import CoordConv2d as CoordConv2d
    from .layers import LocallyConnected2d as LocallyConnected2d
    from .layers import LowRankLocallyConnected2d as LowRankLocallyConnected2d
    from .layers import TiedBanksConv2d as TiedBanksConv2d
    from .layers import WideConv2d as WideConv2d
    from .layers import smoothness_penalty as smoothness_penalty
    from .networks import fold as fold
    from .networks import relax as relax
    from .networks import sites as sites
    from .report import read_study as read_study
    from .store import Store as Store

__version__ = "0.1.0"

_ROOMS = {
    "layers": (
        "CoordConv2d",
        "LocallyConnected2d",
        "LowRankLocallyConnected2d",
        "TiedBanksConv2d",
        "WideConv2d",
        "smoothness_penalty",
    ),
    "networks": ("fold", "relax", "sites"),
    "config": ("StudyConfig", "load_config"),
    "engine": ("Objective",),
    "store": ("Store",),
    "report": ("read_study",),
}
_ROOM = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = ["__version__", *_ROOM]


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: TID251 - imports rooms of ours, out of the table above

    room = import_module(f".{_ROOM[name]}", __name__)
    return getattr(room, name)


def __dir__() -> list[str]:
    return sorted(__all__)
