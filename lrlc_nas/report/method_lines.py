"""How it was done: all that another person needs to judge a study or to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..runs.results import EpochResult
from ..search.pruning import AUDIT
from ..store import RunRecord, StudyRecord
from .numbers import NOTHING, count, duration
from .question_lines import Line
from .study_file import study_file

__all__ = ["Group", "Method", "method"]


@dataclass(frozen=True)
class Group:
    """Labelled lines under one title."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Method:
    """How a study was done.

    Attributes:
        groups: settings and facts.
        sites: (site, geometry, choices in the space) for each site.
        left_out: (site, choice, why it is not in the space).
        refused: (convolution, why it is no site).
        study_file: as TOML; `command` repeats the study with it. Both are empty where only Optuna knows it.
    """

    groups: tuple[Group, ...]
    sites: tuple[tuple[str, str, str], ...]
    left_out: tuple[tuple[str, str, str], ...]
    refused: tuple[Line, ...]
    study_file: str
    command: str


def method(study: StudyRecord, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Method:
    """Gather how a study was done, from all of its runs, and run id to recorded epochs."""
    config = study.config.model_dump(mode="json")
    groups = [
        *([] if study.is_optunas_alone else _settings(study, config)),
        Group("Time", tuple(_time(study, runs, epochs))),
        Group("Machines and versions", tuple(_surroundings(study, runs))),
    ]
    return Method(
        groups=tuple(group for group in groups if group.lines),
        sites=tuple(
            (site.name, _geometry(site.geometry), ", ".join(study.space.get(site.name, ("not searched",))))
            for site in study.sites
        ),
        left_out=tuple(
            (site, token, reason) for site, tokens in study.left_out.items() for token, reason in tokens.items()
        ),
        refused=tuple(study.refused.items()),
        study_file="" if study.is_optunas_alone else study_file(config),
        command="" if study.is_optunas_alone else _command(study),
    )


def _settings(study: StudyRecord, config: Mapping[str, Any]) -> Iterator[Group]:
    data = study.data_fingerprint or NOTHING
    if study.config.has_own_task:  # which reads no other section, unless somebody's function does
        yield Group("Task", (*_lines(config["task"]), *_host(study), ("data", data)))
    else:
        host = {key: value for key, value in config["host"].items() if key != "weights" or value}
        yield Group("Network", (*_lines(host), *_host(study)))
        yield Group("Data", (*_lines(config["data"]), ("fingerprint", data)))
        yield Group("Recipe, the same for every run", tuple(_lines(config["recipe"])))
    yield Group("Space", tuple(_lines(config["space"])))
    yield Group("Search", (*_lines(config["search"]), ("runs", count(study.trials))))


def _command(study: StudyRecord) -> str:
    """What repeats a study from its file, its later total included.

    The total cannot stand in the file: it decides the initial design, which was made for the first total.
    """
    start = "lrlc-nas start study.toml"
    if study.config.budget.trials == study.trials:
        return start
    last = ["--", study.name] if study.name.startswith("-") else [study.name]
    return f"{start} && {shlex.join(['lrlc-nas', 'resume', '--trials', str(study.trials), *last])}"


def _lines(section: Mapping[str, Any], prefix: str = "") -> Iterator[Line]:
    for key, value in section.items():
        label = prefix + key.replace("_", " ")
        if isinstance(value, dict):
            yield from _lines(value, f"{label}: ")
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value)) or "none"
        elif value is not None:
            yield label, str(value)


def _host(study: StudyRecord) -> Iterator[Line]:
    if start := study.facts.get("start"):
        yield "start", start
    yield "fingerprint", study.host_fingerprint or NOTHING


def _time(study: StudyRecord, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Iterator[Line]:
    yield "study created", _moment(study.created)
    started = [run.started for run in runs if run.started]
    finished = [run.finished for run in runs if run.finished]
    if started:
        yield "first run started", _moment(min(started))
    if finished:
        yield "last run ended", _moment(max(finished))
    total = sum(epoch.seconds for recorded in epochs.values() for epoch in recorded)
    if total:
        yield "training and evaluation, summed over runs", duration(total)
    taken_over = sum(run.attempt > 1 for run in runs)
    if taken_over:
        yield "runs that were resumed after an interruption", str(taken_over)


def _surroundings(study: StudyRecord, runs: Iterable[RunRecord]) -> Iterator[Line]:
    versions = dict(study.facts.get("versions", {}))
    yield from ((str(package), str(version)) for package, version in versions.items())
    values: dict[str, dict[str, None]] = {}
    for run in runs:
        for fact, value in run.facts.items():
            if fact == AUDIT:
                continue  # what became of a run, not where
            values.setdefault(fact, {})[str(value)] = None
    for fact, seen in values.items():
        yield fact.replace("_", " ") + " of the runs" * (fact in versions), ", ".join(seen)


def _geometry(site: Mapping[str, Any]) -> str:
    parts = []
    if "in_channels" in site and "out_channels" in site:
        parts.append(f"{site['in_channels']} → {site['out_channels']} channels")
    for key, word in (("kernel_size", "kernel"), ("stride", "stride"), ("output_size", "positions")):
        if isinstance(site.get(key), list):
            parts.append(f"{word} {' × '.join(map(str, site[key]))}")
    return ", ".join(parts) or NOTHING


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
