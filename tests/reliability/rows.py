"""Rows of a stranger: their words stay words, they run nothing and lead nowhere, or they are refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch

from lrlc_nas.choices import Plan
from lrlc_nas.engine import OpenStudy, Worker, resume_study
from lrlc_nas.engine.confirmation_runs import start_confirmation
from lrlc_nas.errors import LrlcNasError

from .attacks import Attack, Attacks, launch
from .commands import Command
from .lives import begin, end, spawn
from .places import DATABASE, SQLITE
from .poison import ROWS, changed, contents, name_functions, poison_names, poison_row
from .toy import NAME, toy_config

__all__ = ["LOOKING", "look_at_rows"]

LOOKING = (("list",), ("show", NAME), ("power", NAME), ("report", NAME), ("cards", NAME, "-o", "cards"))
"""The commands that look at a study and run nothing of it."""

_WORDS, _FUNCTIONS = "words", "functions"
_SITE = "conv0"
_SENTINEL = "executed"
_STRANGER = """
import pathlib

pathlib.Path({0!r}).mkdir(exist_ok=True)
"""
_MARKUP = ("<script>alert", "<img src=x")


def look_at_rows(folder: Path) -> Attacks:
    """Look at databases that somebody else has written to.

    Args:
        folder: an empty one.
    """
    model = SQLITE.furnish(folder / "model")
    if code := end(spawn(_confirm, model)):
        raise LrlcNasError(f"the study to be poisoned ended with exit code {code}")
    homes = folder / "some" / "way" / "down"  # so that what climbs out of them is seen
    tried = list(_attacks(model / DATABASE, homes, folder / _SENTINEL))
    before = contents(folder)
    done, wrong = launch(tried)
    files = changed(folder, before)
    refused = [each.what for each, left in zip(tried, done, strict=True) if left.code]
    return Attacks(
        made=len(tried),
        told=f"{len(refused)} refused with exit code 2, {len(tried) - len(refused)} shown as text",
        nought={
            "executed": int((folder / _SENTINEL).exists()),
            "written outside": sum(not _is_output(path, homes) for path in files),
            "pages with markup": sum(map(_has_markup, files)),
        },
        wrong=[*wrong, *(f"{kind} was refused by none" for kind in ROWS if kind not in refused)],
    )


def _attacks(model: Path, homes: Path, sentinel: Path) -> Iterator[Attack]:
    for kind in (_WORDS, _FUNCTIONS, *ROWS):
        home = homes / kind
        home.mkdir(parents=True)
        name = _poison(Path(shutil.copy(model, home / "lrlc-nas.db")), kind, sentinel)
        codes = (0, 2) if kind in ROWS else (0,)
        for words in LOOKING:
            typed = tuple(name if word == NAME else word for word in words)
            yield Attack(kind, Command(str(home), typed), codes)


def _poison(database: Path, kind: str, sentinel: Path) -> str:
    """Write to a database what a stranger would; the name of the study then."""
    if kind == _WORDS:
        return poison_names(database, NAME, _SITE, sentinel)
    if kind == _FUNCTIONS:
        name_functions(database, "stranger:host", "stranger:images")
        database.with_name("stranger.py").write_text(_STRANGER.format(str(sentinel)))
    else:
        poison_row(database, kind)
    return NAME


def _is_output(path: Path, homes: Path) -> bool:
    """Whether it is a report or a card, where that is to lie."""
    if path.name.endswith("-report.html"):
        return path.parent.parent == homes
    return path.parent.name == "cards" and path.parent.parent.parent == homes


def _has_markup(path: Path) -> bool:
    return path.suffix == ".html" and any(each in path.read_text("utf-8") for each in _MARKUP)


def _confirm(folder: Path) -> None:
    """Train and confirm a small study."""
    torch.set_num_threads(1)
    config = toy_config(4, 1, pruner="none")
    search = config.search.model_copy(update={"host_repeats": 2})  # for power, which looks at their spread
    store = begin(folder, config.model_copy(update={"search": search})).store
    _work(resume_study(store, NAME))
    claims = {f"{_SITE}: lc": Plan.of({_SITE: "lc"})}
    _work(start_confirmation(store, NAME, claims, seeds=2, smallest_effect=0.3))
    store.engine.dispose()


def _work(study: OpenStudy) -> None:
    Worker(study.store, study.record, study.prepared, device="cpu").work()
