"""What was asked: the study in a handful of lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..config import ACCURACY
from ..store import RunRecord, StudyRecord
from .numbers import count, magnitude

__all__ = ["Line", "listed", "question"]

Line = tuple[str, str]
"""A label and what stands beside it."""

_OF_RECIPE = ("epochs", "batch_size", "optimizer", "learning_rate")


def question(study: StudyRecord, runs: Sequence[RunRecord]) -> list[Line]:
    """What a study asks, as labelled lines; the runs are all of its runs."""
    config = study.config.model_dump(mode="json")
    tokens = {token: None for choices in study.space.values() for token in choices}
    states = ", ".join(f"{number} {state}" for state, number in Counter(run.state for run in runs).items())
    convolutions = f"{len(study.space)} of the {len(study.sites) + len(study.refused)} convolutions"
    own = study.is_optunas_alone or study.config.has_own_task
    metric = (study.metric.axis, f"{study.metric.better}er is better")
    return [
        *(_own_training(study, config) if own else _built_in_training(study, config)),
        ("Where", f"{len(study.space)} convolutions" if study.is_optunas_alone else convolutions),
        ("Choices", ", ".join(tokens)),
        *([] if own else [("Recipe", listed(config["recipe"], _OF_RECIPE))]),
        *([] if study.metric == ACCURACY else [("Metric", "; ".join(metric))]),
        ("Budget", f"{study.trials} runs: {states or 'none yet'}"),
    ]


def listed(section: Mapping[str, Any], keys: Sequence[str] | None = None) -> str:
    """Settings as ``name value, name value``; all of them, or those of `keys` that are there."""
    chosen = section if keys is None else {key: section[key] for key in keys if key in section}
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in chosen.items() if value is not None)


def _built_in_training(study: StudyRecord, config: Mapping[str, Any]) -> Iterator[Line]:
    yield "Network", _network(config["host"], study.facts.get("host"))
    yield "Images", config["data"]["name"] + _data(study.facts)


def _own_training(study: StudyRecord, config: Mapping[str, Any]) -> Iterator[Line]:
    if study.is_optunas_alone:
        yield "Training", "its user's own, recorded by Optuna"
    else:
        yield "Task", _network(config["task"], study.facts.get("host")) + _data(study.facts)


def _network(named: Mapping[str, Any], costs: Mapping[str, Any] | None) -> str:
    text = str(named["name"])
    if named["options"]:
        text += f" ({listed(named['options'])})"
    if costs:
        text += f"; {count(costs['parameters'])} parameters" if "parameters" in costs else ""
        text += f"; {magnitude(costs['macs'])} multiply-accumulates per image" if "macs" in costs else ""
    return text


def _data(facts: Mapping[str, Any]) -> str:
    text = ""
    if facts.get("classes"):
        text += f"; {len(facts['classes'])} classes"
    if facts.get("image_shape"):
        text += f"; {' × '.join(map(str, facts['image_shape']))} (channels × height × width)"
    if facts.get("splits"):
        text += "; " + ", ".join(f"{count(size)} {part}" for part, size in facts["splits"].items())
    return text
