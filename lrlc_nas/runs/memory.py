"""Memory that runs out: how it is told from other errors, and how what is left is given back."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InputError

__all__ = ["free_memory", "is_out_of_memory", "within_memory"]

# The caching allocator has an error of its own. The driver, Triton, cuBLAS, cuDNN and the allocator of the CPU (on
# Linux and on Windows) raise a plain RuntimeError, or an AcceleratorError as if the device were broken.
_TEXTS = re.compile(
    r"CUDA out of memory"
    r"|CUDA (driver )?error: out of memory"
    r"|Triton Error \[CUDA\]: out of memory"
    r"|CUBLAS_STATUS_ALLOC_FAILED"
    r"|CUDNN_STATUS_(ALLOC_FAILED|INTERNAL_ERROR_(HOST|DEVICE)_ALLOCATION_FAILED)"
    r"|can't allocate memory"
    r"|not enough memory: you tried to allocate"
    r"|Cannot allocate memory"
    r"|std::bad_alloc"
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a device, or of the machine, does not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and _TEXTS.search(str(error)) is not None


def free_memory(device: torch.device | str) -> None:
    """Give back what nobody refers to any more; call it when the error is gone, whose traceback holds tensors."""
    gc.collect()
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()


@contextmanager
def within_memory(keys: str) -> Iterator[None]:
    """Turn a failed allocation into an `InputError` that names the settings to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and "allocate memory" not in str(error):
            raise
        raise InputError(f"{keys}: so much does not fit into the memory of this machine") from None
