"""Between sharing and not sharing: K filter banks, mixed anew at each position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor, nn

from ..errors import InputError
from .combining import PARTS, constant_weight, mixture_sum, normalized, part_shape, require_combining, summed
from .convolution import require_plain
from .functional import add_bias, apply_banks, apply_kernels, mix_banks
from .geometry import Geometry


__all__ = ["COMPUTE_PATHS", "LowRankLocallyConnected2d"]

COMPUTE_PATHS = ("bank", "kernel")
"""The two ways to compute the layer; `lrlc_nas.layers.functional` says what each costs."""


class LowRankLocallyConnected2d(nn.Module):
    r"""A convolution whose kernel at each position is a mixture of K filter banks.

    .. math::
        y_{b,f,i,j} = \sum_k w_{i,j,k} \, (\mathrm{bank}_k * x)_{b,f,i,j} + s_{i,j} + \beta_f, \qquad
        w_{i,j} = \mathrm{normalize}(r_i + c_j)

    It starts as a convolution: the combining weights are equal at all positions and the biases are zero.
    Under softmax the variance of the initial mixture is 1/K of a convolution's; under the other
    normalisations it is the same.

    Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
    https://arxiv.org/abs/2002.02959

    Args:
        in_channels: C.
        out_channels: F.
        kernel_size: rows and columns of the kernels.
        input_size: (H, W) of the maps that the layer takes; no other size is possible.
        rank: K, the number of banks.
        stride: as in `torch.nn.Conv2d`, like the following.
        padding: integers, ``"same"`` or ``"valid"``.
        dilation: distance between taps.
        groups: G.
        bias: whether to add a bias for each channel.
        padding_mode: ``zeros``, ``reflect``, ``replicate`` or ``circular``.
        weights: what the combining weights depend on: ``row+column``, ``rows``, ``columns`` or ``full``.
        normalize: how they are normalised over the banks: ``softmax``, ``norm`` (length 1) or ``none``.
        spatial_bias: whether to add a position bias s, which depends on what the combining weights depend on.
        path: how to compute the layer, ``bank`` or ``kernel``; both mean the same.
        device: of the parameters.
        dtype: of the parameters.

    Attributes:
        banks: shape (K, F, C/G, rows, columns).
        row_weights: r, with shape (Y, K), under ``row+column`` and ``rows``.
        column_weights: c, with shape (X, K), under ``row+column`` and ``columns``.
        position_weights: shape (Y, X, K), under ``full``.
        row_bias: shape (Y,); ``column_bias`` (X,) and ``position_bias`` (Y, X) exist as the weights do.
        bias: shape (F,), or None.

    Raises:
        InputError: if the arguments do not describe a layer.
    """

    banks: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        input_size: int | Sequence[int],
        rank: int,
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: int | Sequence[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        weights: str = "row+column",
        normalize: str = "softmax",
        spatial_bias: bool = True,
        path: str = "bank",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        require_combining(weights, normalize, rank)
        self.geometry = Geometry.of(
            in_channels,
            out_channels,
            kernel_size,
            input_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        self.rank = rank
        self.weights = weights
        self.normalize = normalize
        self.spatial_bias = spatial_bias
        self.path = path

        def parameter(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(*shape, device=device, dtype=dtype))

        self.banks = parameter(rank, *self.geometry.kernel_shape)
        for part in PARTS[weights]:
            self.register_parameter(f"{part}_weights", parameter(*self._positions(part), rank))
            if spatial_bias:
                self.register_parameter(f"{part}_bias", parameter(*self._positions(part)))
        self.bias = parameter(out_channels) if bias else None
        self.reset_parameters()

    @classmethod
    def from_conv(
        cls,
        conv: nn.Conv2d,
        input_size: int | Sequence[int],
        rank: int,
        *,
        weights: str = "row+column",
        normalize: str = "softmax",
        spatial_bias: bool = True,
        path: str = "bank",
    ) -> LowRankLocallyConnected2d:
        """Make the layer that computes what a convolution computes, with banks that differ.

        The initial mixture of the banks is the kernel of the convolution, up to rounding. The banks are that
        kernel plus K draws minus the mean of the K, which cancel in the mixture: banks that were equal would
        have equal gradients, and stay equal for ever.

        The draws come from the global generator of torch for the CPU, whatever the device, so that a seed
        gives the same layer everywhere. Their standard deviation is that of the kernel.

        Args:
            conv: a plain convolution; dtype, device, training mode and the presence of a bias are taken over.
            input_size: (H, W) of the maps that it sees.
            rank: K.
            weights: as in the constructor, like the following.
            normalize: ``softmax``, ``norm`` or ``none``.
            spatial_bias: whether to add a bias for each position.
            path: ``bank`` or ``kernel``.

        Raises:
            InputError: if the module is not a plain `torch.nn.Conv2d`, or the options do not describe a
                layer.
        """
        require_plain(conv)
        # Made without storage, so that no random number is drawn for banks that are replaced anyway.
        layer = cls(
            **asdict(Geometry.of_conv(conv, input_size)),
            rank=rank,
            bias=conv.bias is not None,
            weights=weights,
            normalize=normalize,
            spatial_bias=spatial_bias,
            path=path,
            device="meta",
            dtype=conv.weight.dtype,
        )
        layer.to_empty(device=conv.weight.device)
        layer._reset_combining()
        with torch.no_grad():
            layer.banks.copy_(_spread(conv.weight, rank) / mixture_sum(normalize, rank))
            if conv.bias is not None and layer.bias is not None:
                layer.bias.copy_(conv.bias)
        return layer.train(conv.training)

    @property
    def path(self) -> str:
        """How the layer is computed: ``bank`` or ``kernel``; may be set."""
        return self._path

    @path.setter
    def path(self, path: str) -> None:
        if path not in COMPUTE_PATHS:
            raise InputError(f"path must be one of {', '.join(COMPUTE_PATHS)}, but is {path!r}")
        self._path = path

    def reset_parameters(self) -> None:
        """Draw he_uniform banks from the global generator of torch, mix them equally, set biases to zero."""
        # The fan-in is that of one bank: with softmax the mixture then has 1/K of the variance, as in the
        # reference.
        bound = math.sqrt(6 / self.geometry.fan_in)
        nn.init.uniform_(self.banks, -bound, bound)
        self._reset_combining()

    def combining_weights(self) -> Tensor:
        """The normalised combining weights w, with shape (Y, X, K)."""
        return normalized(self._summed("weights"), self.normalize)

    def position_bias_map(self) -> Tensor | None:
        """The position bias s, with shape (Y, X), or None if there is none."""
        return self._summed("bias") if self.spatial_bias else None

    def kernels(self) -> Tensor:
        """The kernel of each position, with shape (Y, X, F, C/G, rows, columns)."""
        return mix_banks(self.banks, self.combining_weights())

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer.

        Args:
            input: shape (B, C, H, W) or (C, H, W).

        Returns:
            The output, with shape (B, F, Y, X) or (F, Y, X).

        Raises:
            InputError: if the size or the channels are not those of the layer.
        """
        self.geometry.require_input(input)
        if input.dim() == 3:
            return self.forward(input.unsqueeze(0)).squeeze(0)
        if self.path == "bank":
            y = apply_banks(input, self.banks, self.combining_weights(), self.geometry)
        else:
            y = apply_kernels(input, self.kernels(), self.geometry)
        return add_bias(y, self.bias, self.position_bias_map())

    def extra_repr(self) -> str:
        """The geometry, in the manner of `torch.nn.Conv2d`, then the options of this layer."""
        absent = {"bias": self.bias is None, "spatial_bias": not self.spatial_bias}
        off = "".join(f", {name}=False" for name, is_absent in absent.items() if is_absent)
        mixing = f"rank={self.rank}, weights={self.weights!r}, normalize={self.normalize!r}"
        return f"{self.geometry.describe()}, {mixing}{off}, path={self.path!r}"

    def _positions(self, part: str) -> tuple[int, ...]:
        return part_shape(part, self.geometry.output_size)

    def _summed(self, suffix: str) -> Tensor:
        parts = {part: getattr(self, f"{part}_{suffix}") for part in PARTS[self.weights]}
        return summed(parts, self.geometry.output_size)

    def _reset_combining(self) -> None:
        for part in PARTS[self.weights]:
            nn.init.constant_(getattr(self, f"{part}_weights"), constant_weight(self.weights, self.rank))
            if self.spatial_bias:
                nn.init.zeros_(getattr(self, f"{part}_bias"))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def _spread(kernel: Tensor, rank: int) -> Tensor:
    """K variants of a kernel that have it as their mean, with shape (K, F, C/G, rows, columns)."""
    exact = torch.promote_types(kernel.dtype, torch.float32)
    noise = torch.randn(rank, *kernel.shape, dtype=exact, device="cpu").to(kernel.device)
    noise = noise - noise.mean(0)
    kernel = kernel.to(exact)
    scale = kernel.std(correction=0)
    # A constant kernel (all zeros, or a single number) has no spread to go by: take that of he_uniform.
    he = math.sqrt(2 / kernel[0].numel())
    return kernel + noise * torch.where(scale > 0, scale, he)
