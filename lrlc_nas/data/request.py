"""What a loader of images is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """One call of `load_images`, without the options, which the loaders take as keyword arguments.

    Attributes:
        name: the name of the set as it was given.
        root: the folder that holds, or will hold, the files of known sets.
        download: whether missing files are fetched.
        size: the wanted height and width, or None for the set's own.
    """

    name: str
    root: Path
    download: bool = False
    size: int | None = None
