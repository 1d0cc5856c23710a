"""Training as a generator: one frozen result after each epoch, and nobody else's business in between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import torch
from torch import Tensor, nn

from ..config import Recipe
from ..data import Subset, augment
from ..errors import InputError
from ..runs.checkpoints import Checkpoints
from ..runs.results import EpochResult
from ..runs.streams import global_stream, stream
from .determinism import deterministic_algorithms, require_determinism
from .placement import Placement
from .run import Run

__all__ = ["fit"]


def fit(
    network: nn.Module,
    train: Subset,
    search: Subset,
    recipe: Recipe,
    *,
    seed: int,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device | str = "cpu",
    checkpoints: Checkpoints | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[EpochResult, None, None]:
    """Train a network in place, one epoch for each result asked for.

    The results are those of all epochs from 0, in order, each yielded after its checkpoint is written. Epochs
    that the newest usable checkpoint holds are yielded at once and not trained again (the network holds the
    newest weights by then): a consumer that skips what it has recorded is right after any crash. A resumed
    run equals an uninterrupted one bit for bit (but for times) on the same machine, library versions and
    number of threads; on CUDA the recipe must be deterministic too.

    A last batch of a single image is left out of its epoch, because batch normalisation needs two; any other
    last batch is trained on. The caller's random states and torch settings hold whenever this generator is at
    rest, and the network is in evaluation mode then. It may be closed at any time.

    Args:
        network: gives logits (B, classes) for normalised images (B, C, H, W); it is moved to the device.
        train: the images to train on, at least 2; they are copied to the device once.
        search: the images to measure each epoch on, at least 1; likewise.
        recipe: how to train.
        seed: decides order, augmentation and dropout; the initial weights are the caller's.
        mean: of each channel, for pixels in [0, 1].
        std: standard deviation of each channel, for pixels in [0, 1].
        device: where to train.
        checkpoints: where to write each epoch and to resume from; without it, nothing is written.
        should_stop: asked before each step, and for each batch that is measured.

    Raises:
        InputError: at once, if images, labels, network or recipe do not fit together.
        CheckpointError: if a checkpoint of this identity is of another recipe or seed.
        DivergedError: if a loss is not finite; the epoch has no checkpoint then.
        TrainingStoppedError: if ``should_stop`` says so; the last checkpoint stands.
        FencedError: if the folder of the checkpoints has gone.
        DiskError: if the disk is full.
        UnwritableError: if a checkpoint cannot be written otherwise.
    """
    placement = Placement.of(device, mean=mean, std=std, precision=recipe.precision, channels_last=recipe.channels_last)
    if recipe.deterministic:
        require_determinism(placement.device)
    _require_subset("train", train, placement, least=2)
    _require_subset("search", search, placement, least=1)
    placement.place(network)
    run = Run(network, _moved(train, placement.device), _moved(search, placement.device), recipe, seed, placement)
    _require_classes(run)
    with deterministic_algorithms(recipe.deterministic):
        placement.tune(network, run.train.images[: recipe.batch_size])
    return _epochs(run, checkpoints, should_stop)


def _epochs(
    run: Run, checkpoints: Checkpoints | None, should_stop: Callable[[], bool]
) -> Generator[EpochResult, None, None]:
    history: list[EpochResult] = []
    try:
        if checkpoints is not None:
            checkpoints.clean()
            history = run.restore(checkpoints)
            checkpoints.warn_of_lost(len(history))
        run.network.eval()
        yield from history
        for epoch in range(len(history), run.recipe.epochs):
            history.append(run.epoch(epoch, should_stop))
            if checkpoints is not None:
                checkpoints.save(epoch, run.state(history))
            yield history[-1]
    finally:
        # Gradients are as large as the network, and the consumer may keep it for long.
        run.optimizer.zero_grad(set_to_none=True)
        run.network.eval()


def _moved(subset: Subset, device: torch.device) -> Subset:
    return Subset(images=subset.images.to(device), labels=subset.labels.to(device))


def _require_subset(name: str, subset: Subset, placement: Placement, least: int) -> None:
    placement.require_images(name, subset.images)
    if len(subset) < least:
        raise InputError(f"{name}: at least {least} images are required, but there are {len(subset)}")


def _require_classes(run: Run) -> None:
    """Reject labels that the network has no logit for: on a CUDA device they would end the process."""
    with torch.no_grad(), run.placement.autocast(), global_stream(run.placement.device, run.seed, "door"):
        image = augment(run.train.images[:1], run.augmentation, stream(run.seed, "door"))
        logits = run.network.eval()(run.placement.normalise(image))
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(f"the network must give logits of shape (B, classes), but gives {shape}")
    for name, subset in (("train", run.train), ("search", run.search)):
        low, high = int(subset.labels.min()), int(subset.labels.max())
        if low < 0 or high >= logits.shape[1]:
            raise InputError(
                f"{name}: labels must be from 0 to {logits.shape[1] - 1}, the classes of the network, but "
                f"are from {low} to {high}"
            )
