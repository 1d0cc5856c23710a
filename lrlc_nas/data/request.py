"""What a loader of images is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """One call of `load_images`, without the options, which the loaders take as keyword arguments.

    The root is the folder that holds, or will hold, the files of known sets; a size of None is the set's own.
    """

    name: str
    root: Path
    download: bool = False
    size: int | None = None
