"""What a classification is refused for before anything is written: settings that fit alone, but not together."""

from __future__ import annotations

from torch import Tensor, nn

from ..config import Recipe
from ..data import ImageSet, Splits
from ..errors import InputError
from ..layers import random_state

__all__ = ["require_fitting", "require_trainable"]


def require_fitting(recipe: Recipe, images: ImageSet, splits: Splits) -> None:
    """Refuse a recipe that the images do not bear.

    Raises:
        InputError: if a batch is larger than the training split, a border as wide as an image, or there are fewer
            training images than classes.
    """
    number = len(splits.train)
    height, width = images.images.shape[2:]
    if recipe.batch_size > number:
        raise InputError(
            f"recipe.batch_size must be at most the {number} images of the training split; got {recipe.batch_size}"
        )
    if recipe.pad >= min(height, width):
        raise InputError(f"recipe.pad must be less than the side of an image, {height}x{width}; got {recipe.pad}")
    if number < len(images.classes):
        raise InputError(
            f"data.split must leave at least one image of each of the {len(images.classes)} classes for training; "
            f"it leaves {number}"
        )


def require_trainable(name: str, host: nn.Module, sample: Tensor, classes: int) -> None:
    """Refuse a host that gives logits when it is looked at, but cannot be trained on a sample (1, C, H, W).

    The host is in training mode; its running statistics change.

    Raises:
        InputError: if it gives something else in training, or has no parameter to train.
    """
    with random_state():
        logits = host(sample.repeat(2, 1, 1, 1))
    got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if got != (2, classes):
        raise InputError(
            f"host {name!r}: two images must give logits of shape {(2, classes)} in training as well, but gave {got}"
        )
    if not logits.requires_grad:
        raise InputError(f"host {name!r}: none of its parameters can be trained; each has requires_grad off")
