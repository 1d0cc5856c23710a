"""What a network says of images, and how right it is.

B is a batch, N all images, C the channels, H and W the size of an image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import Subset
from ..errors import InputError, TrainingStoppedError
from .placement import Placement

__all__ = ["Tally", "evaluate", "evaluate_placed", "predict_logits"]


class Tally:
    """A running mean of loss and accuracy that stays on the device, so that no step waits for the host."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self.images = 0

    def add(self, mean_loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count a batch: its mean loss, its logits (B, classes) and its labels (B,)."""
        self._loss += mean_loss.detach() * len(labels)
        self._correct += (logits.detach().argmax(1) == labels).sum()
        self.images += len(labels)

    def read(self) -> tuple[float, float]:
        """Mean loss and fraction correct of all that was counted; this waits for the device."""
        return float(self._loss) / self.images, int(self._correct) / self.images


def predict_logits(
    network: nn.Module,
    images: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device | str = "cpu",
    batch_size: int = 512,
    precision: str = "auto",
    channels_last: str = "auto",
) -> Tensor:
    """Compute the logits of images, float32 (N, classes) on the CPU, in evaluation mode.

    The network is moved to the device; its training mode is put back afterwards.

    Args:
        network: gives logits (B, classes) for normalised images (B, C, H, W).
        images: uint8 images, shape (N, C, H, W), N at least 1.
        mean: of each channel, for pixels in [0, 1].
        std: standard deviation of each channel, for pixels in [0, 1].
        device: where to compute.
        batch_size: images computed at once.
        precision: ``auto``, ``float32`` or ``bf16``, as in a recipe.
        channels_last: ``auto``, ``always`` or ``never``, as in a recipe.

    Raises:
        InputError: if the images are not of that form, or there are none.
    """
    placement = Placement.of(device, mean=mean, std=std, precision=precision, channels_last=channels_last)
    _require_batches(placement, images, batch_size)
    placement.place(network)
    with _evaluation_mode(network):
        return torch.cat([logits.cpu() for logits in _logits(network, images, placement, batch_size)])


def evaluate(
    network: nn.Module,
    subset: Subset,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    device: torch.device | str = "cpu",
    batch_size: int = 512,
    precision: str = "auto",
    channels_last: str = "auto",
) -> tuple[float, float]:
    """Mean cross-entropy, in nats, and fraction correct of a network on a subset; arguments as in `predict_logits`.

    Raises:
        InputError: if the images are not uint8 of shape (N, C, H, W), or there are none.
    """
    placement = Placement.of(device, mean=mean, std=std, precision=precision, channels_last=channels_last)
    _require_batches(placement, subset.images, batch_size)
    placement.place(network)
    loss, accuracy, _ = evaluate_placed(network, subset, placement, batch_size)
    return loss, accuracy


def evaluate_placed(
    network: nn.Module,
    subset: Subset,
    placement: Placement,
    batch_size: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[float, float, Tensor]:
    """Do the work of `evaluate` for a network that lies on the device already; also tell which images are right.

    Raises:
        TrainingStoppedError: if ``should_stop``, which is asked for each batch, says so.
    """
    tally = Tally(placement.device)
    correct: list[Tensor] = []
    batches = torch.split(subset.labels, batch_size)
    with _evaluation_mode(network):
        for labels, logits in zip(batches, _logits(network, subset.images, placement, batch_size), strict=True):
            if should_stop():
                raise TrainingStoppedError(f"stopped after measuring {tally.images} of {len(subset)} images")
            target = labels.to(placement.device)
            tally.add(F.cross_entropy(logits, target), logits, target)
            correct.append(logits.argmax(1) == target)
    return *tally.read(), torch.cat(correct).cpu()


def _logits(network: nn.Module, images: Tensor, placement: Placement, batch_size: int) -> Iterator[Tensor]:
    for batch in torch.split(images, batch_size):
        # Not inference_mode: a layer may keep a tensor made here and use it in training.
        with torch.no_grad(), placement.autocast():
            logits: Tensor = network(placement.normalise(batch))
        yield logits.float()


@contextmanager
def _evaluation_mode(network: nn.Module) -> Iterator[None]:
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def _require_batches(placement: Placement, images: Tensor, batch_size: int) -> None:
    placement.require_images("evaluation", images)
    if len(images) == 0:
        raise InputError("evaluation: at least 1 image is required, but there is none")
    if batch_size < 1:
        raise InputError(f"evaluation: batch_size must be at least 1, but is {batch_size}")
