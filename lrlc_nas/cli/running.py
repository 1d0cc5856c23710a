"""The commands that train a study, or say what it would train."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import StudyStoppedError
from .opening import open_store, open_working_store, require_device
from .options import DEFAULT_STORAGE, Device, File, Name, Override, Storage, Task, Workers
from .saying import fail, say
from .training import train

__all__ = ["resume", "sites", "start", "worker"]


def start(
    study_file: File = None,
    task: Task = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    overrides: Override = [],  # noqa: B006 - Typer reads the default and never changes it
    trials: Annotated[int | None, typer.Option(min=1, help="Total number of runs.")] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="best|all", help="Which complete runs keep their checkpoint: those that are needed later, or all."
        ),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Start a study and train until its budget is spent.

    Without a study file this is the embedded study: a few thousand images of Fashion-MNIST that ship with the
    package, and a small network. With --task the training is your own. Ctrl-C stops it; 'lrlc-nas resume' continues it.

    Example: lrlc-nas start study.toml --set recipe.epochs=12 --workers 2
    """
    from ..config import load_config
    from ..engine import start_study
    from ..search import pruning_note, shortage

    named = [] if name is None else [f"name={_toml_string(name)}"]
    limited = [] if trials is None else [f"budget.trials={trials}"]
    kept = [] if keep is None else [f"files.keep={_toml_string(keep)}"]
    config = load_config(study_file, [*overrides, *named, *limited, *kept], task)
    require_device(device)
    study = start_study(open_working_store(storage, workers, device), config)
    if note := shortage(study.prepared.config, study.prepared.space):
        say(note)
    say(pruning_note(study.prepared.config))
    train(study, workers, device, storage)


def resume(
    name: Name,
    trials: Annotated[int | None, typer.Option(min=1, help="Raise the total number of runs to this.")] = None,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Resume a study from the database alone.

    Unfinished runs continue from their last checkpoint, finished ones are not repeated.
    It refuses if the data, the host or the space are not those that the study recorded.

    Example: lrlc-nas resume my-study --trials 40
    """
    from ..engine import resume_study

    require_device(device)
    study = resume_study(open_working_store(storage, workers, device), name, trials)
    train(study, workers, device, storage)


def worker(
    name: Name,
    storage: Storage = DEFAULT_STORAGE,
    device: Device = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of torch on the CPU.")] = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one worker of a study that was started elsewhere.

    For example on another machine: 'start' and 'resume' run the workers of this one by themselves.

    Example: lrlc-nas worker embedded --storage postgresql://me@host/studies --device cuda:0
    """
    from ..signals import Stop

    stop = Stop()
    stop.listen(parent)
    from ..engine import open_study
    from ..engine.launchers import STUDY_STOPPED, run_worker, worker_devices

    require_device(device)
    # Those of a supervisor were counted when it started.
    store = open_working_store(storage, 1) if parent is None else open_store(storage)
    # A supervisor replaces workers during an outage too; somebody who starts one is told at once.
    study = open_study(store if parent is None else store.retrying(), name)
    try:
        run_worker(study, device=worker_devices(device, 1)[0], threads=threads, stop=stop)
    except StudyStoppedError as error:
        fail(error, error.exit_code if parent is None else STUDY_STOPPED)


def sites(study_file: File = None, task: Task = None, overrides: Override = []) -> None:  # noqa: B006 - as above
    """Print the sites of a study's host and the cost of each choice.

    It trains nothing and writes nothing. For each choice at each site it prints the parameters, the MACs and
    the memory that it would add; and for each other convolution, why it cannot be relaxed.

    Example: lrlc-nas sites studies/resnet18.toml
    """
    from ..config import load_config
    from ..engine import prepare
    from .terminal import print_sites

    print_sites(prepare(load_config(study_file, overrides, task)))


def _toml_string(text: str) -> str:
    import json

    return json.dumps(text)  # JSON strings are TOML strings
