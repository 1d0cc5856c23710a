"""A device that is lost to its process: after some errors every further call of CUDA fails.

Reference: CUDA Runtime API, "Error handling": errors of a kernel that runs, of the memory or the bus of the device
are sticky; the process must be ended and started again. Those of a launch, or of an argument, are not.
"""

from __future__ import annotations

import re

import torch

from .memory import is_out_of_memory

__all__ = ["is_device_lost"]

# cuBLAS and cuDNN fail so on a context that is dead, or cannot be made; of what they do not support they speak
# otherwise.
_TEXTS = re.compile(
    r"CUDA (driver )?error: |Triton Error \[CUDA\]: |No CUDA GPUs are available"
    r"|CU(BLAS|DNN)_STATUS_(EXECUTION_FAILED|MAPPING_ERROR|INTERNAL_ERROR|NOT_INITIALIZED)"
)
# What the code of a network asked for in vain; the device takes the next call.
_REFUSED = re.compile(
    r"invalid argument|invalid configuration argument|invalid device function|invalid resource handle"
    r"|too many resources requested for launch|no kernel image is available|operation not supported"
    r"|CUBLAS_STATUS_(INVALID_VALUE|NOT_SUPPORTED|ARCH_MISMATCH)|named symbol not found|PTX"
)


def is_device_lost(error: BaseException) -> bool:
    """Whether an error says that this process can compute on its device no more, whatever the network was."""
    if not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return False
    text = str(error)
    if _REFUSED.search(text):
        return False
    return isinstance(error, torch.AcceleratorError) or _TEXTS.search(text) is not None
