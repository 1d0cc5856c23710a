"""Between sharing and not sharing: K filter banks, mixed anew at each position."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..errors import InputError
from .banks import Size, apply_different_banks, common_frame, describe_different, different_geometries, embedded
from .by_position import apply_mixtures
from .combining import PARTS, mixture_sum, part_shape, require_combining
from .cost import Cost, conv_cost
from .folding import ROUNDING, as_convolution, mixed_kernels
from .functional import add_bias, apply_banks, mix_banks
from .geometry import Geometry
from .input_weights import NETWORKS
from .locally_connected import LocallyConnected2d
from .mixture import PositionMixture
from .relaxed import empty_parameter, he_uniform, take_over_bias

__all__ = ["COMPUTATIONS", "LowRankLocallyConnected2d", "spread_banks"]

COMPUTATIONS = ("bank", "kernel")
"""The two ways to compute the layer, whose costs `lrlc_nas.layers.functional` tells."""


class LowRankLocallyConnected2d(PositionMixture):
    r"""A convolution whose kernel at each position is a mixture of K filter banks.

    .. math::
        y_{b,f,i,j} = \sum_k w_{i,j,k} \, (\mathrm{bank}_k * x)_{b,f,i,j} + s_{i,j} + \beta_f, \qquad
        w_{i,j} = \mathrm{normalize}(r_i + c_j)

    It starts as a convolution: the combining weights are equal at all positions and the biases are zero.
    Under softmax the variance of the initial mixture is 1/K of a convolution's; under the other
    normalisations it is the same. With ``weights="input"`` the combining weights are computed from the input
    by `InputWeights`, whose random start makes them unequal, though nearly equal under softmax.

    Banks may differ in kernel size and dilation. They then need ``padding="same"``, and the kernel of a
    position has the size of the largest.

    Revisiting Spatial Invariance with Low-Rank Local Connectivity (Elsayed et al., 2020)
    https://arxiv.org/abs/2002.02959

    The arguments are those of `torch.nn.Conv2d`; kernel size and dilation may be a *list* with one entry for each bank.
    What else there is:

    * ``input_size``: (H, W) of the maps that the layer takes; no other size is possible.
    * ``rank``: K, the number of banks.
    * ``weights``: what the combining weights depend on: ``row+column``, ``rows``, ``columns``, ``full``, ``input``,
      ``rows-input`` or ``columns-input``.
    * ``normalize``: how they are normalised over the banks: ``softmax``, ``norm`` (length 1) or ``none``.
    * ``spatial_bias``: whether to add a position bias s, which depends on what the combining weights depend on.
    * ``computation``: how to compute the layer: ``bank`` or ``kernel``, which mean the same, or ``auto``, which
      `lrlc_nas.layers.tune` replaces by the one that it measures to be the faster; until then it is ``bank``. Combining
      weights that depend on the input differ between images, so for them there is the bank path alone.

    Attributes:
        geometry: of the kernel of a position.
        bank_geometries: of each bank where they differ, else None.
        banks: shape (K, F, C/G, rows, columns); a list of K tensors (F, C/G, rows, columns) where they differ.
        sizes: all of them, in words.
        bias: shape (F,), or None.

    Raises:
        InputError: if the arguments do not describe a layer.
    """

    banks: Tensor | nn.ParameterList
    bank_geometries: tuple[Geometry, ...] | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        input_size: int | Sequence[int],
        rank: int,
        *,
        stride: int | Sequence[int] = 1,
        padding: int | Sequence[int] | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        weights: str = "row+column",
        normalize: str = "softmax",
        spatial_bias: bool = True,
        computation: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        require_combining(weights, normalize, rank)
        geometry = Geometry.of(
            in_channels,
            out_channels,
            1 if isinstance(kernel_size, list) else kernel_size,
            input_size,
            stride=stride,
            padding=padding,
            dilation=1 if isinstance(dilation, list) else dilation,
            groups=groups,
            padding_mode=padding_mode,
        )
        different = None
        if isinstance(kernel_size, list) or isinstance(dilation, list):
            different = different_geometries(geometry, kernel_size, dilation, rank)
            geometry = common_frame(different)
        super().__init__(geometry, rank, weights, normalize, spatial_bias)
        self.bank_geometries = different
        self.computation = computation
        banks = "" if different is None else f", {describe_different(different)}"
        self.sizes = f"{geometry.describe()}{banks}, rank={rank}"
        parameter = partial(empty_parameter, device=device, dtype=dtype)
        if different is None:
            self.banks = parameter(rank, *geometry.kernel_shape)
        else:
            self.banks = nn.ParameterList(parameter(*own.kernel_shape) for own in different)
        self._add_mixture(device, dtype)
        self.bias = parameter(out_channels) if bias else None
        self.reset_parameters()

    @classmethod
    def of_geometry(cls, geometry: Geometry, rank: int, **options: Any) -> Self:
        """Make the layer of a geometry and a rank."""
        return cls(**asdict(geometry), rank=rank, **options)

    @classmethod
    def cost(cls, geometry: Geometry, rank: int, *, weights: str = "row+column", bias: bool = True) -> Cost:
        """The cost on the bank path; on the kernel path the activations are the output's FYX alone.

        With P the numbers that the weights of one bank are: Y + X, Y, X or YX.

        ===========  =========================
        parameters   K*TCF/G + (K + 1)P + F
        macs         K*YX*TCF/G + K*FYX
        activations  (K + 1)*FYX
        ===========  =========================

        Weights from the input have P parameters, the position bias, and `InputWeights.cost` besides.
        """
        conv = conv_cost(geometry, bias=False)
        places = sum(math.prod(part_shape(part, geometry.output_size)) for part in PARTS[weights])
        banks = Cost(
            rank * conv.parameters + places + bias * geometry.out_channels,
            rank * (conv.macs + conv.activations),
            (rank + 1) * conv.activations,
        )
        if weights not in NETWORKS:
            return banks + Cost(parameters=rank * places)
        sizes = (geometry.input_size, geometry.output_size)
        return banks + NETWORKS[weights].cost(geometry.in_channels, *sizes, rank)

    @property
    def computation(self) -> str:
        """How the layer is computed: ``bank`` or ``kernel``, or ``auto`` until that is settled; may be set."""
        return self._computation

    @computation.setter
    def computation(self, computation: str) -> None:
        known = ("auto", *COMPUTATIONS)
        if computation not in known:
            raise InputError(f"computation must be one of {', '.join(known)}, but is {computation!r}")
        if computation == "kernel" and self.depends_on_input:
            raise InputError(
                f"weights={self.weights!r} requires computation='bank', but it is 'kernel': the kernels would "
                "depend on the input"
            )
        self._computation = computation

    def reset_parameters(self) -> None:
        """Start anew, with random numbers from the global generator of torch.

        Banks are he_uniform. They are mixed equally, or by a new random network; biases are zero.
        """
        # The fan-in is that of one bank: with softmax the mixture then has 1/K of the variance, as in the
        # reference.
        for banks, own in self._placed_banks():
            he_uniform(banks, own.fan_in)
        self._reset_mixture()
        self._zero_bias()

    def stacked_banks(self) -> Tensor:
        """The banks in one geometry, that of the layer, with shape (K, F, C/G, rows, columns)."""
        if isinstance(self.banks, Tensor):
            return self.banks
        return torch.stack([embedded(bank, own, self.geometry) for bank, own in self._placed_banks()])

    def kernels(self, input: Tensor | None = None) -> Tensor:
        """The kernel of each position, with shape (Y, X, F, C/G, rows, columns), of an input.

        They are (B, Y, X, F, C/G, rows, columns) if they depend on it; see `combining_weights`, also for errors.
        """
        banks = self.stacked_banks()
        return mix_banks(banks, self.combining_weights(input)).to(banks.dtype)

    def _output(self, x: Tensor) -> Tensor:
        y = self.computed(x, self.computation)
        return add_bias(y, self.bias, self.position_bias_map())

    def computed(self, input: Tensor, computation: str) -> Tensor:
        """The output (B, F, Y, X) without biases, computed as ``bank`` or ``kernel``; ``auto`` stands for ``bank``."""
        combining = self.combining_weights(input)
        if computation == "kernel":
            return apply_mixtures(input, self.stacked_banks(), combining, self.geometry)
        if isinstance(self.banks, Tensor):
            return apply_banks(input, self.banks, combining, self.geometry)
        return apply_different_banks(input, self._placed_banks(), combining)

    def fold(self) -> nn.Module:
        """The layer that computes the same with one kernel for each position, for inference.

        That is a convolution where all positions are equal, up to rounding; else a locally connected layer, with Y*X/K
        times the kernels of this one. Where the combining weights depend on the input there are no fixed kernels, and
        the layer itself is returned.
        """
        if self.depends_on_input:
            return self
        with torch.no_grad():
            banks, bias = self.stacked_banks(), self._bias_map()
            kernels = mixed_kernels(banks, self.combining_weights())
        conv = as_convolution(kernels, bias, self.geometry, banks.dtype, rounding=ROUNDING)
        if conv is not None:
            return conv.train(self.training)
        kernels = kernels.to(banks.dtype)
        return LocallyConnected2d.from_kernels(kernels, bias, self.geometry).train(self.training)

    def extra_repr(self) -> str:
        """The geometry, in the manner of `torch.nn.Conv2d`, then the options of this layer."""
        absent = {"bias": self.bias is None, "spatial_bias": not self.spatial_bias}
        off = "".join(f", {name}=False" for name, is_absent in absent.items() if is_absent)
        mixing = f"weights={self.weights!r}, normalize={self.normalize!r}"
        return f"{self.sizes}, {mixing}{off}, computation={self.computation!r}"

    def _start_as(self, conv: nn.Conv2d) -> None:
        """Banks that differ, and mix to the kernel of the convolution up to rounding.

        They are that kernel plus K draws minus the mean of the K, with the standard deviation of the kernel: the
        draws cancel in the mixture, and banks that were equal would have equal gradients and stay equal for ever.
        Combining weights that depend on the input start equal too: their network begins with a last projection of
        zero, which the first step moves.
        """
        self._mix_equally()
        self.stacked_banks().copy_(spread_banks(conv.weight, self.rank) / mixture_sum(self.normalize, self.rank))
        take_over_bias(self.bias, conv)

    def _kernel(self) -> Tensor:
        return self.banks if isinstance(self.banks, Tensor) else self.banks[0]

    def _bias_map(self) -> Tensor | None:
        """Both biases, with shape (F, Y, X)."""
        if self.bias is None and not self.spatial_bias:
            return None
        zeros = torch.zeros(self.geometry.out_channels, *self.geometry.output_size).to(self.stacked_banks())
        return add_bias(zeros, self.bias, self.position_bias_map())

    def _placed_banks(self) -> Iterable[tuple[Tensor, Geometry]]:
        """All banks at once with their geometry, or each with its own."""
        if isinstance(self.banks, Tensor):
            return [(self.banks, self.geometry)]
        return zip(self.banks, self.bank_geometries or (), strict=True)


def spread_banks(kernel: Tensor, rank: int) -> Tensor:
    """K variants of a kernel that have it as their mean, with shape (K, F, C/G, rows, columns)."""
    exact = torch.promote_types(kernel.dtype, torch.float32)
    noise = torch.randn(rank, *kernel.shape, dtype=exact, device="cpu").to(kernel.device)
    noise = noise - noise.mean(0)
    kernel = kernel.to(exact)
    scale = kernel.std(correction=0)
    # A constant kernel (all zeros, or a single number) has no spread to go by: take that of he_uniform.
    he = math.sqrt(2 / kernel[0].numel())
    return kernel + noise * torch.where(scale > 0, scale, he)
