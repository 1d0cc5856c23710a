"""Damaged checkpoints: each is to be found, the one before is to be used, and the log is to say so."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lrlc_nas.runs import Checkpoints

__all__ = ["KINDS", "Damage", "damage_checkpoints", "listening"]


@dataclass(frozen=True)
class Damage:
    """What became of damaged checkpoints.

    Attributes:
        kind: one of `KINDS`.
        made: how many were damaged.
        found: how many of them were not used.
        before: how often the one before was used instead, whole.
        said: how often the log named the file.
    """

    kind: str
    made: int
    found: int
    before: int
    said: int

    @property
    def survived(self) -> bool:
        """Whether all were found, replaced and told."""
        return self.made == self.found == self.before == self.said


def damage_checkpoints(folder: Path, kind: str, number: int, seed: int = 0) -> Damage:
    """Damage so many checkpoints, one at a time, and load the newest that is usable.

    Args:
        folder: an empty one.
        kind: one of `KINDS`.
        number: how many.
        seed: of where each is damaged.
    """
    chance = random.Random(f"{kind} {seed}")
    found = before = said = 0
    for index in range(number):
        ours, theirs = _saved(folder / f"{index}-a", index), _saved(folder / f"{index}-b", index + 1)
        victim = KINDS[kind](ours, theirs, chance)
        with listening() as messages:
            state = ours.load_newest()
        epoch = None if state is None else state["epoch"]
        found += epoch != 1
        before += state is not None and epoch == 0 and _is_intact(state, index)
        said += any(str(victim) in message for message in messages)
    return Damage(kind, number, found, before, said)


@contextmanager
def listening() -> Iterator[list[str]]:
    """The warnings of this package while the block runs; they go nowhere else."""
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    log, listener = logging.getLogger("lrlc_nas"), Listener(logging.WARNING)
    propagate = log.propagate
    log.addHandler(listener)
    log.propagate = False
    try:
        yield messages
    finally:
        log.removeHandler(listener)
        log.propagate = propagate


def _flip(ours: Checkpoints, _: Checkpoints, chance: random.Random) -> Path:
    path = _newest(ours)
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return path


def _truncate(ours: Checkpoints, _: Checkpoints, chance: random.Random) -> Path:
    path = _newest(ours)
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])
    return path


def _swap(ours: Checkpoints, theirs: Checkpoints, chance: random.Random) -> Path:
    """Put another run's newest checkpoint in the place of ours: under its name, ours, or half of each."""
    path, other = _newest(ours), _newest(theirs)
    name = chance.choice((path.name, other.name, other.name.replace(_tag(other), _tag(path))))
    path.unlink()
    return other.rename(path.with_name(name))


KINDS: dict[str, Callable[[Checkpoints, Checkpoints, random.Random], Path]] = {
    "bit flips": _flip,
    "truncations": _truncate,
    "swaps of two runs": _swap,
}
"""The kinds of damage. Each changes the newest of our checkpoints and returns the file that must not be used."""


def _saved(folder: Path, value: int) -> Checkpoints:
    checkpoints = Checkpoints(folder, identity=f"run {folder.name}")
    for epoch in range(2):
        checkpoints.save(epoch, {"network": {"weight": torch.full((4, 4), float(value + epoch))}})
    return checkpoints


def _is_intact(state: dict[str, Any], value: int) -> bool:
    return torch.equal(state["network"]["weight"], torch.full((4, 4), float(value)))


def _newest(checkpoints: Checkpoints) -> Path:
    return max(checkpoints.folder.iterdir(), key=lambda path: path.name)


def _tag(path: Path) -> str:
    return path.name.split("-")[2]
