"""What was asked: the study in a handful of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..store import RunRecord, StudyRecord
from .numbers import count, magnitude

__all__ = ["Line", "listed", "question"]

Line = tuple[str, str]
"""A label and what stands beside it."""


def question(study: StudyRecord, runs: Sequence[RunRecord]) -> list[Line]:
    """What a study asks, as labelled lines; the runs are all of its runs."""
    config = study.config.model_dump(mode="json")
    tokens = {token: None for choices in study.space.values() for token in choices}
    states = ", ".join(f"{number} {state}" for state, number in Counter(run.state for run in runs).items())
    return [
        ("Network", _network(config["host"], study.facts.get("host"))),
        ("Images", _images(config["data"], study.facts)),
        ("Where", f"{len(study.space)} of the {len(study.sites) + len(study.refused)} convolutions"),
        ("Choices", ", ".join(tokens)),
        ("Recipe", listed(config["recipe"], ("epochs", "batch_size", "optimizer", "learning_rate"))),
        ("Budget", f"{study.trials} runs: {states or 'none yet'}"),
    ]


def listed(section: Mapping[str, Any], keys: Sequence[str] | None = None) -> str:
    """Settings as ``name value, name value``; all of them, or those of `keys` that are there."""
    chosen = section if keys is None else {key: section[key] for key in keys if key in section}
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in chosen.items() if value is not None)


def _network(host: Mapping[str, Any], costs: Mapping[str, Any] | None) -> str:
    text = str(host["name"])
    if host["options"]:
        text += f" ({listed(host['options'])})"
    if costs:
        text += f"; {count(costs['parameters'])} parameters" if "parameters" in costs else ""
        text += f"; {magnitude(costs['macs'])} multiply-accumulates per image" if "macs" in costs else ""
    return text


def _images(data: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    text = str(data["name"])
    if facts.get("classes"):
        text += f"; {len(facts['classes'])} classes"
    if facts.get("image_shape"):
        text += f"; {' × '.join(map(str, facts['image_shape']))} (channels × height × width)"
    if facts.get("splits"):
        text += "; " + ", ".join(f"{count(size)} {part}" for part, size in facts["splits"].items())
    return text
