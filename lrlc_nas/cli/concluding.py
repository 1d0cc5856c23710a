"""The commands that conclude: confirmation, test split, cards, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .opening import open_store, open_working_store, require_device
from .options import DEFAULT_STORAGE, Device, Name, Storage, Workers, Yes
from .saying import agreed, say
from .training import storage_option, train

__all__ = ["cards", "challenge", "confirm", "export", "open_test"]


def confirm(
    name: Name,
    site: Annotated[list[str], typer.Option(help="A site to claim a --choice at; may be repeated.")] = [],  # noqa: B006 - as above
    choice: Annotated[list[str], typer.Option(help="A choice to claim at each --site.")] = [],  # noqa: B006 - as above
    plan: Annotated[list[str], typer.Option(metavar="SITE=CHOICE,...", help="A whole plan to claim.")] = [],  # noqa: B006 - as above
    seeds: Annotated[
        int | None,
        typer.Option(min=2, max=1000, help="Seeds for each arm in all; default: what the claims take, 8 to 10."),
    ] = None,
    smallest_effect: Annotated[
        float | None,
        typer.Option(
            help="In the unit of the metric; what is smaller does not matter. Default, for accuracy alone: 0.3 points."
        ),
    ] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="The most runs; as many seeds as it allows.")] = None,
    yes: Yes = False,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Test the claims of a study on fresh seeds.

    Without claims these are the few that the screening speaks for. Each is trained beside the untouched host and the
    controls that may explain it, and scored on images that the search never saw. What that takes is printed before.
    Ctrl-C stops it; the same command continues; a larger --seeds adds seeds later.

    Example: lrlc-nas confirm embedded --site conv3 --choice lc --seeds 8
    """
    from ..engine.confirm import confirmation_to_run, new_confirmation
    from ..engine.launchers import default_workers, worker_devices
    from ..evidence.claims import named_claims
    from .terminal import console, print_confirmation_plan

    require_device(device)
    claims, store = named_claims(site, choice, plan), open_working_store(storage, workers, device)
    settled: dict[str, Any] = {
        "seeds": seeds,
        "smallest_effect": smallest_effect,
        "budget": budget,
        "device": worker_devices(device, 1)[0],
    }
    if store.confirmation_of(store.study(name)) is None:
        planned = new_confirmation(store, name, claims, **settled)
        print_confirmation_plan(console(), planned, default_workers(device) if workers is None else max(1, workers))
        if agreed(yes):
            train(planned.start(), workers, device, storage)
    else:
        train(confirmation_to_run(store, name, claims, **settled), workers, device, storage)


def challenge(
    name: Name,
    circumstance: Annotated[list[str], typer.Option(help="One circumstance; may be repeated. Default: all.")] = [],  # noqa: B006 - as above
    seeds: Annotated[
        int | None, typer.Option(min=2, max=1000, help="Seeds for each arm; default: what it takes, from 3 to 10.")
    ] = None,
    yes: Yes = False,
    storage: Storage = DEFAULT_STORAGE,
    workers: Workers = None,
    device: Device = None,
) -> None:
    """Ask whether a confirmed gain lasts.

    Host, claim and best control are trained again on fresh seeds: longer, each at its own best learning rate, with
    fewer and with more images; a task of your own names its circumstances. A claim lasts, holds at this recipe only,
    is reversed, or stays undecided. Ctrl-C stops it; the same command continues.

    Example: lrlc-nas challenge embedded --circumstance longer
    """
    from ..engine.challenge import plan_challenges, start_challenge
    from ..engine.launchers import default_workers
    from .terminal import console, print_challenge_plan, print_challenged

    require_device(device)
    store = open_working_store(storage, workers, device)
    planned = plan_challenges(store, name, circumstance, seeds)
    out = console()
    print_challenge_plan(out, planned, default_workers(device) if workers is None else max(1, workers))
    if not agreed(yes):
        return
    ended = True
    for each in planned:
        ended = train(start_challenge(store, each), workers, device, storage) and ended
        if not ended and workers != 0:  # stopped by the user
            return
    if ended:
        print_challenged(out, store, name, storage_option(storage))


def open_test(
    name: Name,
    again: Annotated[bool, typer.Option("--again", help="Open the test split although it was read before.")] = False,
    storage: Storage = DEFAULT_STORAGE,
    device: Device = None,
) -> None:
    """Open the sealed test split, on record.

    It is read for the confirmed claims alone.
    Each opening is recorded in the study before a sample is read, and every report shows how many there were.

    Example: lrlc-nas test embedded
    """
    from ..engine.confirm import measure_sealed
    from ..engine.launchers import worker_devices
    from .terminal import console, print_tested

    require_device(device)
    store = open_store(storage)
    look = measure_sealed(store, name, device=worker_devices(device, 1)[0], again=again)
    print_tested(console(), store, name, look, storage_option(storage))


def cards(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="A folder.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write a card for each claim of a study.

    It holds all that the claim rests on, as Markdown and as JSON.

    Example: lrlc-nas cards embedded -o cards
    """
    from .terminal import write_cards

    for path in write_cards(open_store(storage), name, output):
        say(str(path))


def export(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="A new or empty folder.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Write the best network of a study to a folder.

    The folder holds its plan, its weights and a Python file that rebuilds it.

    Example: lrlc-nas export embedded -o best && python best/network.py
    """
    from ..engine import export_best

    done = export_best(open_store(storage), name, output)
    say(f"run {done.run.number} ({done.run.plan}), weights after epoch {done.epochs}: {done.folder}")
