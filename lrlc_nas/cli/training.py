"""Training a study with workers that a launcher keeps alive, and what is said before, meanwhile and at the end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import StorageError
from .options import DEFAULT_STORAGE

if TYPE_CHECKING:
    from rich.console import Console

    from ..engine import OpenStudy
    from ..engine.launchers import Launcher

__all__ = ["storage_option", "train"]


def train(study: OpenStudy, workers: int | None, device: str | None, url: str) -> bool:
    """Train a study until its budget is spent or the user stops it, and print how it stands; whether it has ended.

    What a challenge shows is printed when all of its studies have ended, by whoever has started them. Workers are as
    many as suit the launcher (`LRLC_NAS_LAUNCHER`) for None, and 0 trains nothing; the URL is that of the storage as it
    was given.
    """
    from ..engine import changes
    from ..engine.launchers import make_launcher
    from .terminal import command, console, headline, plain, print_confirmed, print_end

    launcher = make_launcher(os.environ.get("LRLC_NAS_LAUNCHER") or "local", study, workers, device)
    name, out, storage = study.record.name, console(), storage_option(url)
    confirmation = study.prepared.config.confirmation
    if launcher.done():
        more = "--trials" if confirmation is None else "--seeds"
        out.print(plain(f"study {name}: all {study.record.trials} runs have ended; {more} raises the total"))
    else:
        out.print(plain(headline(study, launcher.workers)))
        out.print(plain(f"storage: {study.store.shown}"), soft_wrap=True)
        if note := changes(study.record.facts, study.prepared.config):
            out.print(plain(note), soft_wrap=True)
        if not launcher.workers:
            out.print(plain(f"train it with: {command('worker', name, *storage)}"), soft_wrap=True)
            return False
        if not _completed(study, launcher, out):
            verb = "resume" if confirmation is None else "challenge" if confirmation.circumstance else "confirm"
            named = name if confirmation is None else confirmation.of
            out.print(plain(f"stopped; resume with: {command(verb, named, *storage)}"), soft_wrap=True)
            return False
    if confirmation is None:
        print_end(out, study.store, name, storage)
    elif not confirmation.circumstance:
        print_confirmed(out, study.store, confirmation.of, storage)
    return True


def storage_option(url: str) -> list[str]:
    """The option that the next commands need to find the database that this one was given; it holds no password."""
    usual = os.environ.get("LRLC_NAS_STORAGE") or DEFAULT_STORAGE
    return [] if url == usual else ["--storage", url]


def _completed(study: OpenStudy, launcher: Launcher, out: Console) -> bool:
    """Watch the workers; False if the user stopped them."""
    from ..engine import catch_up
    from ..signals import interrupt_once
    from .terminal import Watcher

    watcher = Watcher(out, study.store.retrying(), study.record)
    try:
        interrupt_once()
        with watcher.watching():
            launcher.run(watcher.tick)
    except KeyboardInterrupt:
        if launcher.hurried:
            raise
        return False
    finally:
        if not launcher.hurried:
            with suppress(StorageError):  # whoever resumes the study makes up for it
                catch_up(study)
    return True
