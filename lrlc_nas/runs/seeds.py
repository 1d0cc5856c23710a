"""Seeds that are functions of another seed and a name; they need no torch."""

from __future__ import annotations

import hashlib
import json

__all__ = ["stream_seed"]


def stream_seed(seed: int, *names: str | int) -> int:
    """Derive the seed of a stream.

    Args:
        seed: the seed of the run.
        names: what tells this stream from the others, such as ``"order", epoch``; ``1`` and ``"1"`` differ.

    Returns:
        A number in [0, 2⁶³), from the first bits of a SHA-256.
    """
    digest = hashlib.sha256(json.dumps([seed, *names]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
