"""Forward passes that look at a host.

A pass always runs on a copy. It may write into a network (counters, caches, weights made at first use) and
may fail half-way; on a copy none of that reaches the user's network.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..layers import random_state
from ..layers.samples import Sample, batch_size, call, device_of, shown

__all__ = ["Sightings", "copied", "elements_kept", "observe", "run"]


@dataclass
class Sightings:
    """What a forward pass shows of one convolution.

    Attributes:
        sizes: the different (H, W) of the maps that it saw, in order.
        calls: how many times it was used for one image of the sample.
        unbatched: whether it was called on a map (C, H, W).
        hidden: whether it was called by a reference other than its registered names.
    """

    sizes: list[tuple[int, int]] = field(default_factory=list)
    calls: int = 0
    hidden: bool = False
    unbatched: bool = False


def copied(host: nn.Module) -> nn.Module:
    """Copy a host.

    Raises:
        InputError: if it cannot be copied.
    """
    # Pruning and the older weight norm keep a computed tensor in the module, which deepcopy refuses to copy.
    computed = {id(tensor): tensor.detach().clone() for tensor in _computed_tensors(host)}
    try:
        return copy.deepcopy(host, computed)
    except Exception as error:  # a module may refuse with any exception
        raise InputError(f"the host {type(host).__name__} cannot be copied (deepcopy): {error}") from error


def run(host: nn.Module, sample: Sample) -> None:
    """Run a host (a copy) on a sample for the sake of its hooks: in evaluation mode, without gradients.

    The global random numbers go on afterwards as if nothing had happened.

    Raises:
        InputError: if the sample is no batch, or the host does not run on it.
    """
    batch_size(sample)
    host.eval()
    try:
        with random_state(device=device_of(sample)), torch.no_grad():
            call(host, sample)
    except Exception as error:  # a host may fail with any exception
        raise InputError(f"the host {type(host).__name__} does not run on {shown(sample)}: {error}") from error


def observe(host: nn.Module, names: Sequence[str], sample: Sample) -> dict[str, Sightings]:
    """Run a host (a copy, which is spent) and note what each of the named convolutions sees.

    Each convolution is first replaced by a stand-in, as relaxing would replace it, so that calls by a
    reference that replacing does not reach (an entry of a plain list, say) show themselves.

    Returns:
        Name to sightings: first the convolutions that were called, in the order of the pass, then the others.
    """
    batch = batch_size(sample)
    called: dict[str, Sightings] = {}
    sightings = {name: Sightings() for name in names}
    for name in names:
        original = host.get_submodule(name)
        stand_in = copy.deepcopy(original)
        _replace_everywhere(host, original, stand_in)
        _note_calls(stand_in, name, sightings[name], called, batch)
        _note_hidden(original, sightings[name])
    run(host, sample)
    if isinstance(sample, Tensor) and sample.dim() == 3 and any(seen.unbatched for seen in called.values()):
        raise InputError(f"the sample must be a batch of inputs, (B, C, H, W), but is {shown(sample)}")
    return called | sightings


def elements_kept(inputs: Any, output: Any) -> int:
    """How many numbers a call leaves for the backward pass: its output, but not what lies in its input's memory."""
    own = {tensor.untyped_storage().data_ptr() for tensor in _tensors(inputs)}
    return sum(tensor.numel() for tensor in _tensors(output) if tensor.untyped_storage().data_ptr() not in own)


def _computed_tensors(host: nn.Module) -> list[Tensor]:
    values = (value for module in host.modules() for value in vars(module).values())
    return [value for value in values if isinstance(value, Tensor) and not value.is_leaf]


def _replace_everywhere(host: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for name in [name for name, module in host.named_modules(remove_duplicate=False) if module is old]:
        host.set_submodule(name, new)


def _note_calls(conv: nn.Module, name: str, seen: Sightings, called: dict[str, Sightings], batch: int) -> None:
    images = 0

    def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        nonlocal images
        (x,) = (*args, *kwargs.values())
        size = (x.shape[-2], x.shape[-1])
        if size not in seen.sizes:
            seen.sizes.append(size)
        # A host may fold other axes into the batch, such as the frames of a clip.
        images += len(x) if x.dim() == 4 else 1
        seen.unbatched = seen.unbatched or x.dim() == 3
        seen.calls = max(1, images // batch)
        called.setdefault(name, seen)

    conv.register_forward_hook(note, with_kwargs=True)


def _note_hidden(conv: nn.Module, seen: Sightings) -> None:
    def note(module: nn.Module, args: Any, output: Any) -> None:
        seen.hidden = True

    conv.register_forward_hook(note)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in _tensors(item)]
    return []
