"""What a network takes: a tensor, several, named ones, or such within each other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError

__all__ = ["Sample", "batch_size", "call", "device_of", "mapped", "shown", "tensors"]

Sample = Any
"""A tensor (B, …); a tuple is several arguments, and a dict one or, by the names of `forward`, several; see `call`."""


def call(network: nn.Module, sample: Sample) -> Any:
    """Run a network on a sample.

    A tuple gives the arguments in order. A dict gives them by name if `forward` has parameters of all its names; else
    it is one argument, as any other form is.
    """
    if isinstance(sample, tuple):
        return network(*sample)
    if isinstance(sample, Mapping) and _names_arguments(network, sample):
        return network(**sample)
    return network(sample)


def batch_size(sample: Sample) -> int:
    """How many inputs a sample holds: the length of its first tensor.

    Raises:
        InputError: if it has no tensor with a batch.
    """
    found = [len(tensor) for tensor in tensors(sample) if tensor.dim()]
    if not found or not found[0]:
        raise InputError(f"the sample must be a batch of inputs, with a tensor (B, …), but is {shown(sample)}")
    return found[0]


def device_of(sample: Sample) -> torch.device:
    """The device of its first tensor."""
    return next((tensor.device for tensor in tensors(sample)), torch.device("cpu"))


def mapped(function: Callable[[Tensor], Tensor], sample: Sample) -> Sample:
    """The sample with a function applied to each of its tensors."""
    if isinstance(sample, Tensor):
        return function(sample)
    if isinstance(sample, Mapping):
        return {key: mapped(function, value) for key, value in sample.items()}
    if isinstance(sample, tuple) and hasattr(sample, "_fields"):
        return type(sample)(*(mapped(function, value) for value in sample))
    if isinstance(sample, (tuple, list)):
        return type(sample)(mapped(function, value) for value in sample)
    return sample


def tensors(sample: Sample) -> list[Tensor]:
    """Its tensors, in order."""
    if isinstance(sample, Tensor):
        return [sample]
    parts = sample.values() if isinstance(sample, Mapping) else sample if isinstance(sample, (tuple, list)) else ()
    return [tensor for part in parts for tensor in tensors(part)]


def shown(sample: Sample) -> str:
    """The form of a sample in words."""
    if isinstance(sample, Tensor):
        return f"a tensor of shape {tuple(sample.shape)}"
    if isinstance(sample, Mapping):
        return "{" + ", ".join(f"{key}: {shown(value)}" for key, value in sample.items()) + "}"
    if isinstance(sample, (tuple, list)):
        return f"({', '.join(map(shown, sample))})"
    return f"a {type(sample).__name__}"


def _names_arguments(network: nn.Module, sample: Mapping[Any, Any]) -> bool:
    parameters = inspect.signature(network.forward).parameters
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    return bool(sample) and all(isinstance(name, str) and (anything or name in parameters) for name in sample)
