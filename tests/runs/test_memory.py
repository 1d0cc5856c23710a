import pytest
import torch

from lrlc_nas.runs import is_out_of_memory

CPU = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."
WINDOWS = "DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."
MAPPED = "unable to mmap 400 bytes from file </torch_1_2_3>: Cannot allocate memory (12)"
CUDA = "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some other API call"
EXHAUSTED = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    torch.AcceleratorError(CUDA),
    *map(
        RuntimeError,
        [
            "CUDA out of memory. Tried to allocate 2.00 GiB.",
            CUDA,
            "CUDA driver error: out of memory",
            "Triton Error [CUDA]: out of memory",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
            CPU,
            WINDOWS,
            MAPPED,
            "std::bad_alloc",
        ],
    ),
]
OTHERS = [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)"),
    RuntimeError("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED"),
    torch.AcceleratorError("CUDA error: device-side assert triggered"),
    ValueError("CUDA out of memory"),
    OSError(12, "Cannot allocate memory"),
]


@pytest.mark.parametrize("error", EXHAUSTED, ids=repr)
def test_exhausted_memory_is_known_in_all_its_forms(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_what_torch_says_on_this_machine_is_known() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**62, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
