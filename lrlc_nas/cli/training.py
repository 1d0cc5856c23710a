"""Training a study with workers of this machine, and what is said before, meanwhile and at the end."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import StorageError
from .options import DEFAULT_STORAGE


if TYPE_CHECKING:
    from rich.console import Console

    from ..launchers import LocalWorkers
    from ..study import OpenStudy


__all__ = ["storage_option", "train"]


def train(
    study: OpenStudy,
    workers: int | None,
    device: str | None,
    url: str,
) -> None:
    """Train a study until its budget is spent or the user stops it, and print how it stands.

    Args:
        study: a search or a confirmation, whichever command led to it.
        workers: how many processes; None for one for each GPU or some cores; 0 to train nothing.
        device: of the workers.
        url: of the storage, as it was given.
    """
    from ..launchers import LocalWorkers, default_workers, worker_devices
    from ..study import changes
    from ..terminal import command, console, headline, plain, print_confirmed, print_end

    number = default_workers(device) if workers is None else workers
    local = LocalWorkers(study.store, study.record, worker_devices(device, number))
    name, out, storage = study.record.name, console(), storage_option(url)
    confirmation = study.prepared.config.confirmation
    if local.done():
        more = "--trials" if confirmation is None else "--seeds"
        out.print(plain(f"study {name}: all {study.record.trials} runs have ended; {more} raises the total"))
    else:
        out.print(plain(headline(study, number)))
        out.print(plain(f"storage: {study.store.shown}"), soft_wrap=True)
        if note := changes(study.record.facts, study.prepared.config):
            out.print(plain(note), soft_wrap=True)
        if not number:
            out.print(plain(f"train it with: {command('worker', name, *storage)}"), soft_wrap=True)
            return
        if not _completed(study, local, out):
            verb, named = ("resume", name) if confirmation is None else ("confirm", confirmation.of)
            out.print(plain(f"stopped; go on with: {command(verb, named, *storage)}"), soft_wrap=True)
            return
    if confirmation is None:
        print_end(out, study.store, name, storage)
    else:
        print_confirmed(out, study.store, confirmation.of, storage)


def storage_option(url: str) -> list[str]:
    """The option that the next commands need to find the database that this one was given; it holds no password."""
    usual = os.environ.get("LRLC_NAS_STORAGE") or DEFAULT_STORAGE
    return [] if url == usual else ["--storage", url]


def _completed(study: OpenStudy, local: LocalWorkers, out: Console) -> bool:
    """Watch the workers; False if the user stopped them."""
    from ..stopping import interrupt_once
    from ..study import catch_up
    from ..terminal import Watcher

    watcher = Watcher(out, study.store.patient(), study.record)
    try:
        interrupt_once()
        with watcher.watching():
            local.run(watcher.tick)
    except KeyboardInterrupt:
        if local.hurried:
            raise
        return False
    finally:
        if not local.hurried:
            with suppress(StorageError):  # whoever resumes the study makes up for it
                catch_up(study)
    return True
