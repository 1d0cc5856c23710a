r"""The kernel path on a GPU: kernels of all positions that never reach main memory.

.. math::
    y_{b,f,i,j} = \sum_{t,c} x_{b,c,p(i,j)+t} \sum_k w_{i,j,k} \, \mathrm{bank}_{k,f,c,t}

Triton kernels build the tile of a position's kernel from the banks in registers, and multiply it at once.
Neither the B*K*F*Y*X outputs of the banks, nor the Y*X*F*C*T kernels of the positions, nor the B*Y*X*C*T
patches are written to main memory.

Multiply-adds, with R the images of one tile, at most 256 in half precision and 64 in float32 (G = 1). Mixing is
done once for each block of R images and on the plain cores, so that a large batch pays it off:

=====================  ================  ==========================
pass                   products          mixing
=====================  ================  ==========================
forward                B*Y*X*T*C*F       ceil(B/R)*K*Y*X*T*C*F
gradient of the input  B*Y*X*T*C*F       ceil(B/R)*K*Y*X*T*C*F
gradients of banks, w  B*Y*X*T*C*F       2*K*Y*X*T*C*F
=====================  ================  ==========================

Bytes of main memory, at least, with s the bytes of a number and caches that lose nothing:

* forward and gradient of the input, each: s*(B*C*H*W + B*F*Y*X + K*T*C*F) + 4*K*Y*X;
* gradients of banks and w: the same, and partial sums in float32, written and read once: for the banks about
  1024 tiles of at most 32 KiB, or one copy of the banks where that is more; for w K*Y*X numbers for each
  tile of T*C*F. Each group of programs sums its own run of positions, so there are no atomic sums.

What the caches have to serve is more: forward reads the K banks again for each position and block of images,
s*ceil(B/R)*K*Y*X*T*C*F bytes, and each pixel about T*ceil(F/64) times.

The kernels read and write channels last, which is coalesced. Maps that are not are copied once on the way in and
once on the way out; the output has the memory format of the input. With one choice of tiles, results are the
same each time. The tiles are chosen by timing at the first call for each problem, and another choice rounds
differently. In float32 the products follow ``torch.backends.cuda.matmul.fp32_precision``.

The tests run these kernels in Triton's interpreter on the CPU, and compile them for sm_80 and sm_90. They do not
run them on a GPU, and nothing here is a measurement of speed.

Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
https://arxiv.org/abs/2002.02959
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from ..functional import explicitly_padded
from ..geometry import Geometry
from .autograd import MixedConvolution

__all__ = ["MAX_RANK", "available", "mixed", "supports"]

MAX_RANK = 32
"""The highest rank: the sum over the banks is unrolled, and its tiles are kept in fast memory."""

_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
_LEAST_GROUP = 16  # the shortest side of a tile: smaller groups would multiply padding


def available(device: torch.device) -> bool:
    """Whether Triton is installed and can run here on tensors of this device.

    That is an NVIDIA GPU of compute capability 8.0 or higher, or the CPU if the environment had
    ``TRITON_INTERPRET=1`` when Triton was imported.
    """
    if device.type == "cuda":
        recent = torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)
        return recent and _installed()
    return device.type == "cpu" and _interpreted()


def supports(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> bool:
    """Whether `mixed` takes these tensors, and does not waste most of its work on them.

    Groups of fewer than 16 channels are not supported: a tile of a matrix product has at least 16. x, (B, C, H, W),
    banks and w are float32, bfloat16 or float16, each its own.
    """
    one_place = x.device == banks.device == combining.device
    dtypes = all(tensor.dtype in _DTYPES for tensor in (x, banks, combining))
    channels, filters = (n // geometry.groups for n in (geometry.in_channels, geometry.out_channels))
    groups = geometry.groups == 1 or min(channels, filters) >= _LEAST_GROUP
    blocks = -(-x.shape[0] // 16) * -(-max(channels, filters) // 16)
    # CUDA takes no more programs along the second and third axis of a grid; offsets in banks are of 32 bits.
    small = max(blocks, geometry.groups) < 2**16 and max(banks.numel(), combining.numel()) < 2**31
    return one_place and dtypes and groups and small and len(banks) <= MAX_RANK and available(x.device)


def mixed(x: Tensor, banks: Tensor, combining: Tensor, geometry: Geometry) -> Tensor:
    """Apply to each position its own mixture of the banks.

    ``y[b, f, i, j] = sum_{t, c} x[b, c, p(i, j) + t] * sum_k w[i, j, k] * bank[k, f, c, t]``: what
    ``apply_kernels(x, mix_banks(banks, combining), geometry)`` is, in `lrlc_nas.layers.functional`.

    Differentiable in x, banks and combining; the second time by plain operations. The tensors are trusted: `supports`
    says which may come. The output has the dtype and the memory format of x; channels last saves a copy. Banks are
    rounded to the dtype of x, their gradient is not.
    """
    if geometry.padding_mode != "zeros":
        x, geometry = explicitly_padded(x, geometry)
    y: Tensor = MixedConvolution.apply(x, banks, combining, geometry)
    return y


@cache
def _installed() -> bool:
    return find_spec("triton") is not None


def _interpreted() -> bool:
    # Asking the environment first spares the import of Triton.
    if not (os.environ.get("TRITON_INTERPRET") and _installed()):
        return False
    from .tiles import INTERPRETED

    return INTERPRETED
