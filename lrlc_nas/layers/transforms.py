"""Who reads the program of a layer instead of running it: compilers, exporters, function transforms.

They know plain operations, but neither autograd functions of our own nor Triton.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import forward_ad

__all__ = ["has_memory", "is_transformed", "only_plain_operations"]


def only_plain_operations(*tensors: Tensor) -> bool:
    """Whether what is computed of these tensors has to consist of plain operations.

    For derivatives in forward mode too, which autograd functions of our own do not have.
    """
    if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return True
    return any(tensor.is_meta or not has_memory(tensor) or _has_tangent(tensor) for tensor in tensors)


def is_transformed(*tensors: Tensor) -> bool:
    """Whether a function transform is under way (`torch.vmap`, or another of `torch.func`) outside a compiler."""
    return not torch.compiler.is_compiling() and not all(map(has_memory, tensors))


def has_memory(tensor: Tensor) -> bool:
    """Whether a tensor lies somewhere; those that a function transform hands around stand for others."""
    try:
        tensor.untyped_storage()
    except NotImplementedError:
        return False
    return True


def _has_tangent(tensor: Tensor) -> bool:
    return forward_ad.unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]
