"""The control without mixing by position: K banks, mixed alike everywhere."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn

from .combining import constant_weight, mixture_sum, normalized, require_combining, summed
from .cost import Cost, conv_cost
from .folding import as_convolution
from .functional import add_bias, convolved, mix_banks
from .geometry import Geometry
from .low_rank import spread_banks
from .relaxed import OneSizeConv2d, empty_parameter, he_uniform, take_over_bias

__all__ = ["TiedBanksConv2d"]


class TiedBanksConv2d(OneSizeConv2d):
    r"""K filter banks that are mixed by the same weights at every position, with a position bias.

    .. math::
        y_{b,f,i,j} = \Big(\sum_k w_k \, \mathrm{bank}_k * x\Big)_{b,f,i,j} + r_i + c_j + \beta_f, \qquad
        w = \mathrm{normalize}(a)

    The control of `LowRankLocallyConnected2d` with row + column weights: it has the same banks, the same
    start and the same position bias, and lacks only that the weights vary over positions. The banks mix to
    one kernel, so it costs one convolution. `normalize` is ``softmax``, ``norm`` or ``none``.

    Attributes:
        banks: shape (K, F, C/G, rows, columns).
        tied_weights: a, with shape (K,).
        row_bias: r, with shape (Y,); ``column_bias`` is c, with shape (X,).
        bias: shape (F,), or None.

    Raises:
        InputError: if the arguments do not describe a layer.
    """

    decayed = ("tied_weights",)

    banks: Tensor

    def __init__(
        self,
        geometry: Geometry,
        rank: int,
        *,
        bias: bool = True,
        normalize: str = "softmax",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        require_combining("row+column", normalize, rank)
        super().__init__(geometry)
        self.rank = rank
        self.normalize = normalize
        rows, columns = geometry.output_size
        parameter = partial(empty_parameter, device=device, dtype=dtype)
        self.banks = parameter(rank, *geometry.kernel_shape)
        self.tied_weights = parameter(rank)
        self.row_bias = parameter(rows)
        self.column_bias = parameter(columns)
        self.bias = parameter(geometry.out_channels) if bias else None
        self.reset_parameters()

    @classmethod
    def cost(cls, geometry: Geometry, rank: int, *, bias: bool = True) -> Cost:
        """K*TCF/G + K + Y + X + F parameters; MACs and activations of a convolution."""
        more = (rank - 1) * math.prod(geometry.kernel_shape) + rank + sum(geometry.output_size)
        return conv_cost(geometry, bias=bias) + Cost(parameters=more)

    def reset_parameters(self) -> None:
        """Draw he_uniform banks from the global generator of torch, mix them equally, set biases to zero."""
        he_uniform(self.banks, self.geometry.fan_in)
        self._reset_mixing()

    def combining_weights(self) -> Tensor:
        """The normalised weights w, with shape (K,)."""
        return normalized(self.tied_weights, self.normalize)

    def kernel(self) -> Tensor:
        """The kernel of all positions, with shape (F, C/G, rows, columns)."""
        return mix_banks(self.banks, self.combining_weights()).to(self.banks.dtype)

    def _kernel(self) -> Tensor:
        return self.banks

    def position_bias_map(self) -> Tensor:
        """The position bias, with shape (Y, X)."""
        return summed({"row": self.row_bias, "column": self.column_bias}, self.geometry.output_size)

    def _output(self, x: Tensor) -> Tensor:
        y = convolved(x, self.kernel(), self.geometry)
        return add_bias(y, self.bias, self.position_bias_map())

    def fold(self) -> nn.Module:
        """The convolution that computes the same, if the position bias is equal everywhere; else this layer itself."""
        bias = self.position_bias_map().expand(self.geometry.out_channels, -1, -1)
        if self.bias is not None:
            bias = bias + self.bias[:, None, None]
        kernel = self.kernel().detach()
        conv = as_convolution(kernel[None, None], bias.detach(), self.geometry, kernel.dtype)
        return self if conv is None else conv.train(self.training)

    def extra_repr(self) -> str:
        """The geometry, in the manner of `torch.nn.Conv2d`, then the options of this layer."""
        off = ", bias=False" if self.bias is None else ""
        return f"{self.geometry.describe()}, rank={self.rank}, normalize={self.normalize!r}{off}"

    def _start_as(self, conv: nn.Conv2d) -> None:
        """The banks are drawn as those of a low-rank layer."""
        self._reset_mixing()
        self.banks.copy_(spread_banks(conv.weight, self.rank) / mixture_sum(self.normalize, self.rank))
        take_over_bias(self.bias, conv)

    def _reset_mixing(self) -> None:
        # The sum of the row and the column weight that the layer it controls starts with.
        nn.init.constant_(self.tied_weights, constant_weight("full", self.rank))
        for bias in (self.row_bias, self.column_bias, self.bias):
            if bias is not None:
                nn.init.zeros_(bias)
