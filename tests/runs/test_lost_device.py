import pytest
import torch

from lrlc_nas.runs import is_device_lost

LOST = [
    *map(
        torch.AcceleratorError,
        [
            "CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported",
            "CUDA error: an illegal memory access was encountered",
            "CUDA error: uncorrectable ECC error encountered",
            "CUDA error: unspecified launch failure",
            "the device has gone",
        ],
    ),
    *map(
        RuntimeError,
        [
            "CUDA error: device-side assert triggered",
            "CUDA driver error: unknown error",
            "Triton Error [CUDA]: an illegal memory access was encountered",
            "No CUDA GPUs are available",
            "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm( handle, ...`",
            "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
            "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR",
            "cuDNN error: CUDNN_STATUS_MAPPING_ERROR",
        ],
    ),
]
OTHERS = [
    torch.AcceleratorError("CUDA error: out of memory"),
    torch.AcceleratorError("CUDA error: invalid configuration argument"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    ValueError("CUDA error: device-side assert triggered"),
    *map(
        RuntimeError,
        [
            "CUDA error: out of memory",
            "CUDA error: no kernel image is available for execution on the device",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
            "CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx( handle, ...`",
            "Triton Error [CUDA]: out of memory",
            "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED",
            "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
            "mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)",
        ],
    ),
]


@pytest.mark.parametrize("error", LOST, ids=repr)
def test_a_lost_device_is_known(error: Exception) -> None:
    assert is_device_lost(error)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_memory_and_the_networks_own_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_device_lost(error)
