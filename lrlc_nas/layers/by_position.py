"""A kernel for each position, applied by whatever is at hand.

Plain operations for those who read the program instead of running it (compilers, exporters, function
transforms); Triton where it can; otherwise block by block. All mean the same.
"""

from __future__ import annotations

from torch import Tensor

from . import blockwise
from . import triton as kernels
from .functional import apply_kernels, apply_mixed, in_compute_dtype, laid_out_as
from .geometry import Geometry
from .transforms import only_plain_operations

__all__ = ["apply_mixtures", "apply_own"]


def apply_mixtures(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """Apply at each position the mixture of the banks (the kernel path).

    x is (B, C, H, W), the banks are (K, F, C/G, rows, columns), w is (Y, X, K) and the output (B, F, Y, X).

    Raises:
        InputError: if x and the banks have different dtypes, unless autocast makes them equal.
    """
    x = in_compute_dtype(x, banks)
    if only_plain_operations(x, banks, combining):
        return apply_mixed(x, banks, combining, geometry)
    if kernels.supports(x, banks, combining, geometry):
        return kernels.mixed(x, banks, combining, geometry)
    return laid_out_as(x, blockwise.mixed(x, banks, combining, geometry))


def apply_own(x: Tensor, own: Tensor, geometry: Geometry) -> Tensor:
    """Apply at each position its own kernel, to x (B, C, H, W).

    The kernels are (Y, X, F, C/G, rows, columns), and the output is (B, F, Y, X).

    Raises:
        InputError: if x and the kernels have different dtypes, unless autocast makes them equal.
    """
    x = in_compute_dtype(x, own)
    if only_plain_operations(x, own):
        return apply_kernels(x, own, geometry)
    return laid_out_as(x, blockwise.local(x, own, geometry))
