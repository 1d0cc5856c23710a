"""A recipe's optimizer and learning-rate schedule, from torch's own."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, OneCycleLR, SequentialLR

from ..config import Recipe
from ..errors import InputError
from ..layers import RelaxedConv2d

__all__ = ["make_optimizer", "make_schedule"]

_START = 1 / 25
"""The first learning rate of a warm-up, as a fraction of the peak; the default of `OneCycleLR`."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> Optimizer:
    """Make the optimizer of a network's trainable parameters.

    Weight decay pulls kernels and combining weights, not biases and the scales of batch normalisation, which do
    not set the size of the function.

    Raises:
        InputError: if the network has no trainable parameter.
    """
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not trainable:
        raise InputError("the network must have at least one trainable parameter, but has none")
    pulled = _decayed(network)
    groups = [
        {"params": [p for p in trainable if p in pulled], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p not in pulled], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return AdamW(groups, lr=recipe.learning_rate, betas=(recipe.momentum, 0.999))
    return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0)


def _decayed(network: nn.Module) -> set[nn.Parameter]:
    """The parameters that weight decay pulls: no bias, and of one dimension none but those that a layer names.

    The number of dimensions does not tell: a locally connected layer has a bias for each channel and position, and
    the combining weights of K tied banks are K numbers. Otherwise the same layer would be trained in another way
    when it is relaxed, and its control in yet another.
    """
    return {
        parameter
        for module in network.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if not name.endswith("bias")
        and (parameter.ndim > 1 or (isinstance(module, RelaxedConv2d) and name in module.decayed))
    }


def make_schedule(optimizer: Optimizer, recipe: Recipe, steps: int) -> LRScheduler:
    """Make the schedule of a run of so many steps; it is advanced between two steps of the optimizer."""
    if recipe.schedule == "one-cycle":
        # A warm-up of exactly one step divides by zero in OneCycleLR; a shorter one is none anyway. Its
        # cycling of the momentum would override the momentum of the recipe.
        warmup = recipe.warmup if recipe.warmup * steps > 1 else 0.0
        peak = recipe.learning_rate
        return OneCycleLR(optimizer, peak, total_steps=steps, pct_start=warmup, cycle_momentum=False)
    rising = round(recipe.warmup * steps)
    falling = CosineAnnealingLR(optimizer, T_max=max(1, steps - rising))
    if rising == 0:
        return falling
    return SequentialLR(optimizer, [LinearLR(optimizer, _START, total_iters=rising), falling], milestones=[rising])
