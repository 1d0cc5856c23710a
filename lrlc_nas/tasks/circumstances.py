"""Other circumstances under which a claim is tested again: does its gain last there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..config import StudyConfig

__all__ = ["Circumstance", "changed"]


@dataclass(frozen=True)
class Circumstance:
    """One question that is asked of a claim.

    Attributes:
        text: what is different, in words: ``three times the epochs, 96``.
        cost: how many times as long as usual a run takes, about.
        variants: name to the sections of the study that are different, as in a study file. With several, each arm
            counts with the one that is best for it on the search split.
    """

    text: str
    variants: Mapping[str, Mapping[str, Any]]
    cost: float = 1.0

    @classmethod
    def of(cls, text: str, sections: Mapping[str, Any], cost: float = 1.0) -> Circumstance:
        """A circumstance of one variant, which needs no name."""
        return cls(text, {"": sections}, cost)


def changed(config: StudyConfig, sections: Mapping[str, Any]) -> StudyConfig:
    """A configuration with some fields of its sections, at any depth, replaced.

    Raises:
        InputError: if the result is none.
    """
    return StudyConfig.of(_merged(config.model_dump(mode="json"), sections))


def _merged(plain: Mapping[str, Any], sections: Mapping[str, Any]) -> dict[str, Any]:
    tables = [name for name, value in sections.items() if _are_tables(plain.get(name), value)]
    return {**plain, **sections, **{name: _merged(plain[name], sections[name]) for name in tables}}


def _are_tables(one: object, other: object) -> bool:
    return isinstance(one, Mapping) and isinstance(other, Mapping)
