"""What one run needs around its training, whoever trains it: checkpoints, memory, lost devices, random streams.

Names are loaded when they are asked for: results and seeds need no torch, and are read where there is none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .checkpoints import FULL as FULL
    from .checkpoints import Checkpoints as Checkpoints
    from .checkpoints import make_private_folder as make_private_folder
    from .lost_device import is_device_lost as is_device_lost
    from .memory import free_memory as free_memory
    from .memory import is_out_of_memory as is_out_of_memory
    from .memory import within_memory as within_memory
    from .results import EpochResult as EpochResult
    from .seeds import stream_seed as stream_seed

_PLACES = {
    "FULL": "checkpoints",
    "Checkpoints": "checkpoints",
    "make_private_folder": "checkpoints",
    "is_device_lost": "lost_device",
    "free_memory": "memory",
    "is_out_of_memory": "memory",
    "within_memory": "memory",
    "EpochResult": "results",
    "stream_seed": "seeds",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)  # noqa: TID251 - ours
