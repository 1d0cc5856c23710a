"""The two usual ways to write these layers with what torch offers, as fast as their idiom allows.

They are what our layers are compared with. Each is made from one of our layers, has its parameters, and
computes the same function; tests hold them equal.
"""

from __future__ import annotations

from dataclasses import asdict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..layers import LocallyConnected2d, LowRankLocallyConnected2d
from .sizes import Size

__all__ = ["SeparateConvolutions", "UnfoldedProduct", "unfolded_bytes"]


class SeparateConvolutions(nn.Module):
    r"""An LRLC layer, with row + column weights and biases, as K separate convolutions, mixed by an einsum.

    .. math::
        y_{b,f,i,j} = \sum_k \mathrm{softmax}_k(r_i + c_j) \, (\mathrm{bank}_k * x)_{b,f,i,j} + s_{i,j} + \beta_f
    """

    row_weights: Tensor
    column_weights: Tensor
    row_bias: Tensor
    column_bias: Tensor
    bias: Tensor

    def __init__(self, layer: LowRankLocallyConnected2d) -> None:
        super().__init__()
        self.banks = nn.ModuleList()
        for bank in layer.banks:
            options = {key: value for key, value in asdict(layer.geometry).items() if key != "input_size"}
            conv = nn.Conv2d(**options, bias=False)
            conv.weight = nn.Parameter(bank.detach().clone())
            self.banks.append(conv)
        for name in ("row_weights", "column_weights", "row_bias", "column_bias", "bias"):
            self.register_parameter(name, nn.Parameter(getattr(layer, name).detach().clone()))

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer: (B, C, H, W) -> (B, F, Y, X)."""
        # The bank as the last axis is the fastest of the layouts that an einsum takes: it sums over it.
        features = torch.stack([bank(input) for bank in self.banks], dim=-1)
        raw = self.row_weights[:, None] + self.column_weights
        combining = F.softmax(raw, dim=-1).to(features.dtype)
        mixed = torch.einsum("bfyxk,yxk->bfyx", features, combining)
        bias = self.bias[:, None, None] + self.row_bias[:, None] + self.column_bias
        return mixed + bias.to(mixed.dtype)


class UnfoldedProduct(nn.Module):
    r"""A locally connected layer, with a bias, as unfold, product with the weights of all positions, and sum.

    .. math::
        y_{b,f,i,j} = \sum_{c,t} \mathrm{unfold}(x)_{b,c,t,i,j} \, w_{f,c,t,i,j} + \beta_{f,i,j}

    The product has B*F*C/G*T*Y*X numbers.
    """

    def __init__(self, layer: LocallyConnected2d) -> None:
        super().__init__()
        self.geometry = layer.geometry
        groups, fan_in = layer.geometry.groups, layer.geometry.fan_in
        # Positions last, as unfold leaves them: neither operand of the product has to be rearranged.
        kernels = layer.weight.detach().permute(2, 3, 4, 5, 0, 1)
        shape = (groups, self.geometry.out_channels // groups, fan_in, -1)
        self.weight = nn.Parameter(kernels.reshape(shape).contiguous())
        assert layer.bias is not None
        self.bias = nn.Parameter(layer.bias.detach().clone())

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer: (B, C, H, W) -> (B, F, Y, X)."""
        geometry = self.geometry
        _, _, top, _ = geometry.pads
        patches = F.unfold(input, geometry.kernel_size, geometry.dilation, top, geometry.stride)
        patches = patches.view(len(input), geometry.groups, 1, geometry.fan_in, -1)
        y = (patches * self.weight.to(patches.dtype)).sum(3).view(len(input), *self.bias.shape)
        return y + self.bias.to(y.dtype)


def unfolded_bytes(size: Size, itemsize: int) -> int:
    """Estimate the peak memory of forward and backward of `UnfoldedProduct`.

    It is reached in the backward pass: the gradients of both operands exist with the shape of the product
    before they are summed; patches and weights are there with their gradients.
    """
    geometry = size.geometry
    rows, columns = geometry.output_size
    per_image = rows * columns * geometry.fan_in
    product = size.batch * per_image * size.out_channels
    patches = size.batch * per_image * size.groups
    return itemsize * (2 * product + 2 * patches + 2 * per_image * size.out_channels)
