"""Weights of a stranger: whatever stands in the place of a checkpoint, it runs nothing."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import torch

from lrlc_nas.runs import Checkpoints

from .attacks import Attacks
from .damage import listening
from .poison import DISGUISES, Bomb, poison_checkpoints

__all__ = ["load_weights"]

_SENTINEL = "executed"
_HASHES = {"a wrong SHA-256": False, "the right SHA-256": True}
# What is replaced, and the epoch that is to be used then.
_REPLACED: dict[str, tuple[str, int | None]] = {"newest": ("epoch-00001-*.pt", 0), "all": ("epoch-*.pt", None)}


def load_weights(folder: Path) -> Attacks:
    """Load checkpoints that somebody has replaced, in every disguise, with a wrong SHA-256 and with the right one.

    Args:
        folder: an empty one.
    """
    ways = list(product(DISGUISES, _HASHES, _REPLACED))
    refused = [_is_refused(folder / str(number), *way) for number, way in enumerate(ways)]
    return Attacks(
        made=len(ways),
        told=f"{sum(refused)} passed over with a warning",
        nought={"executed": len(list(folder.glob(f"*/{_SENTINEL}")))},
        wrong=[", ".join(way) for way, held in zip(ways, refused, strict=True) if not held],
    )


def _is_refused(folder: Path, disguise: str, sha256: str, replaced: str) -> bool:
    """Whether what was left is used, whole, and the log names each file that is not."""
    checkpoints = Checkpoints(folder / "checkpoints", identity="a run")
    for epoch in range(2):
        checkpoints.save(epoch, _state(epoch))
    evil = {**_state(1), "epoch": 1, "identity": checkpoints.identity, "more": Bomb(folder / _SENTINEL)}
    pattern, left = _REPLACED[replaced]
    content = DISGUISES[disguise](evil)
    theirs = poison_checkpoints(checkpoints.folder, content, matching=_HASHES[sha256], pattern=pattern)
    with listening() as messages:
        used = checkpoints.load_newest()
    told = all(any(path.name in message for message in messages) for path in theirs)
    return told and (used is None if left is None else used is not None and _is_whole(used, left))


def _state(epoch: int) -> dict[str, Any]:
    return {"network": {"weight": torch.full((4, 4), float(epoch))}}


def _is_whole(used: dict[str, Any], epoch: int) -> bool:
    return torch.equal(used["network"]["weight"], _state(epoch)["network"]["weight"])
