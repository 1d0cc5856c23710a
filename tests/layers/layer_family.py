"""One table of the whole family of layers, and what each of them computes, by loops.

The battery (``test_family_*.py``) runs over this table. A new layer, or a new way to compute one, gets a line
here and is thereby tested for everything that all layers have to keep.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from layer_oracles import SHAPES, Shape, naive_kernels, naive_locally_connected, randomised
from torch import nn

from lrlc_nas.layers import (
    CoordConv2d,
    Geometry,
    LocallyConnected2d,
    LowRankLocallyConnected2d,
    TiedBanksConv2d,
    WideConv2d,
)
from lrlc_nas.layers.position_vectors import PositionVectorConv2d

RANK = 3


@dataclass(frozen=True)
class Member:
    """One line of the table.

    Attributes:
        make: a shape and options (bias, dtype, device) to a fresh layer.
        same: whether it needs ``padding="same"``, so that a shape is changed for it.
        parameters: how many a layer with bias has, by the formula.
    """

    make: Callable[..., nn.Module]
    parameters: Callable[[Geometry], int]
    same: bool = False

    def shape(self, shape: Shape) -> Shape:
        """The shape, or the nearest that the member takes."""
        if not self.same:
            return shape
        return replace(shape, options=shape.options | {"stride": (1, 1), "padding": "same"})

    def layer(self, shape: Shape, *, dtype=torch.float64, **options) -> nn.Module:
        """A layer whose parameters have random values, each its own."""
        return randomised(self.make(self.shape(shape), dtype=dtype, **options))


def geometry_of(shape: Shape) -> Geometry:
    return Geometry.of(*shape.arguments, **shape.options)


def _locally_connected(shape, **options):
    return LocallyConnected2d(*shape.arguments, **shape.options, **options)


def _low_rank(weights, normalize, computation="auto"):
    def make(shape, **options):
        options |= {"weights": weights, "normalize": normalize, "computation": computation}
        return LowRankLocallyConnected2d(*shape.arguments, RANK, **shape.options, **options)

    return Member(make, _banks_and_weights(weights))


def _different(weights, computation="auto"):
    """The first bank has the geometry of the shape; the others are smaller."""

    def make(shape, **options):
        sizes, dilations = [shape.kernel_size, (1, 2), 1], [shape.options["dilation"], 1, (2, 1)]
        options |= shape.options | {"dilation": dilations, "weights": weights, "computation": computation}
        return LowRankLocallyConnected2d(*shape.channels, sizes, shape.input_size, RANK, **options)

    def parameters(geometry):
        smaller = RANK * geometry.kernel_size[0] * geometry.kernel_size[1]
        smaller -= geometry.kernel_size[0] * geometry.kernel_size[1] + 2 + 1
        per_tap = geometry.in_channels * geometry.out_channels // geometry.groups
        return _banks_and_weights(weights)(geometry) - smaller * per_tap

    return Member(make, parameters, same=True)


def _banks_and_weights(weights):
    """Banks K*T*C*F/G; weights and position bias K + 1 for each place; the network; the channel bias F."""

    def parameters(geometry):
        rows, columns = geometry.output_size
        places = {"row+column": rows + columns, "rows": rows, "columns": columns}
        places = places.get(weights.removesuffix("-input"), rows * columns)
        banks = RANK * geometry.fan_in * geometry.out_channels
        if not weights.endswith("input"):
            return banks + (RANK + 1) * places + geometry.out_channels
        sides, taps = {"rows-input": ([0], 3), "columns-input": ([1], 3)}.get(weights, ([0, 1], 9))
        n = sum(r <= (min(geometry.input_size[side] for side in sides) - 1) // 2 for r in (1, 2, 4, 8))
        net = (30 + 3 * n) * RANK**2 + (11 + (taps + 1) * n) * RANK + RANK * geometry.in_channels
        return banks + net + places + geometry.out_channels

    return parameters


def _conv_and(more):
    return lambda geometry: geometry.fan_in * geometry.out_channels + geometry.out_channels + more(geometry)


FAMILY = {
    "lc": Member(
        _locally_connected, lambda g: g.output_size[0] * g.output_size[1] * (g.fan_in * g.out_channels + g.out_channels)
    ),
    "row+column softmax bank": _low_rank("row+column", "softmax", "bank"),
    "row+column softmax kernel": _low_rank("row+column", "softmax", "kernel"),
    "row+column norm kernel": _low_rank("row+column", "norm", "kernel"),
    "row+column none bank": _low_rank("row+column", "none", "bank"),
    "rows softmax bank": _low_rank("rows", "softmax", "bank"),
    "rows none kernel": _low_rank("rows", "none", "kernel"),
    "columns softmax kernel": _low_rank("columns", "softmax", "kernel"),
    "columns norm bank": _low_rank("columns", "norm", "bank"),
    "full softmax kernel": _low_rank("full", "softmax", "kernel"),
    "full norm bank": _low_rank("full", "norm", "bank"),
    "full none kernel": _low_rank("full", "none", "kernel"),
    "input softmax": _low_rank("input", "softmax"),
    "rows-input softmax": _low_rank("rows-input", "softmax"),
    "columns-input none": _low_rank("columns-input", "none", "bank"),
    "input norm": _low_rank("input", "norm", "bank"),
    "different banks": _different("row+column", "bank"),
    "different banks kernel": _different("full", "kernel"),
    "different banks input": _different("input"),
    "tied": Member(
        lambda shape, **options: TiedBanksConv2d(geometry_of(shape), RANK, **options),
        lambda g: RANK * g.fan_in * g.out_channels + RANK + sum(g.output_size) + g.out_channels,
    ),
    "coord": Member(
        lambda shape, **options: CoordConv2d(geometry_of(shape), **options),
        _conv_and(lambda g: 2 * g.kernel_size[0] * g.kernel_size[1] * g.out_channels),
    ),
    "position-vector": Member(
        lambda shape, **options: PositionVectorConv2d(geometry_of(shape), **options),
        _conv_and(lambda g: 8 * (sum(g.input_size) + g.in_channels)),
    ),
    "wide": Member(
        lambda shape, **options: WideConv2d(geometry_of(shape), 4 * shape.options["groups"], **options),
        _conv_and(lambda g: 4 * g.groups * (g.fan_in + g.out_channels // g.groups)),
    ),
}

FOLDABLE = [
    name
    for name, member in FAMILY.items()
    if hasattr(layer := member.make(member.shape(SHAPES["plain"])), "fold")
    and not getattr(layer, "depends_on_input", False)
]

each_member = pytest.mark.parametrize("member", FAMILY.values(), ids=FAMILY)

GROUPED = replace(SHAPES["groups"], channels=(4, 6), input_size=(5, 6))
SMALL = Shape((2, 4), (3, 2), (4, 5), GROUPED.options | {"stride": (2, 1)})


def of_kind(*names):
    """Some members, as a parametrisation."""
    return pytest.mark.parametrize("member", [FAMILY[name] for name in names], ids=names)


def gradients(y, leaves, probe):
    return torch.autograd.grad((y * probe).sum(), leaves, allow_unused=True)


def output_and_gradients(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    return (y.detach(), *gradients(y, [x, *layer.parameters()], probe_for(y)))


def as_one_vector(tensors):
    return torch.cat([tensor.double().flatten() for tensor in tensors])


def probe_for(y):
    """The same numbers in every precision."""
    return torch.linspace(-3, 3, y.numel()).sin().bfloat16().to(y.dtype).view(y.shape)


def replica(module: nn.Module) -> nn.Module:
    """What `torch.nn.parallel.replicate` makes: `vars` copied, parameters that are results of a broadcast."""
    twin = module._replicate_for_data_parallel()
    for name, child in module.named_children():
        setattr(twin, name, replica(child))
    for name, parameter in module._parameters.items():
        setattr(twin, name, None if parameter is None else parameter.clone())
    return twin


def naive_output(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a layer computes, by loops over positions, taps, channels and banks; differentiable."""
    if isinstance(layer, WideConv2d):
        return _naive_wide(layer, x)
    if isinstance(layer, PositionVectorConv2d):
        return _naive_position_vector(layer, x)
    if isinstance(layer, CoordConv2d):
        return _naive_coord(layer, x)
    if isinstance(layer, LocallyConnected2d):
        return _by_loops(layer.geometry, x, layer.weight, layer.bias)
    if isinstance(layer, TiedBanksConv2d):
        raw = layer.tied_weights.expand(*layer.geometry.output_size, -1)
        kernels = naive_kernels(layer.banks, normalised_by_hand(raw, layer.normalize))
        return _by_loops(layer.geometry, x, kernels, bias_map(layer))
    return torch.cat([_naive_low_rank(layer, image) for image in x.split(1)])


def bias_map(layer: nn.Module) -> torch.Tensor:
    """The whole bias, with shape (F, Y, X), from the parameters alone."""
    rows, columns = layer.geometry.output_size
    parameters = dict(layer.named_parameters())
    zero = next(layer.parameters()).new_zeros(())
    return (
        parameters.get("row_bias", zero.expand(rows))[None, :, None]
        + parameters.get("column_bias", zero.expand(columns))[None, None, :]
        + parameters.get("position_bias", zero.expand(rows, columns))[None]
        + parameters.get("bias", zero.expand(layer.geometry.out_channels))[:, None, None]
    )


def raw_weights(layer: LowRankLocallyConnected2d) -> torch.Tensor:
    """The raw combining weights that do not depend on the input, with shape (Y, X, K), by loops."""
    parameters = dict(layer.named_parameters())
    rows, columns = layer.geometry.output_size

    def at(i, j):
        places = {"row_weights": i, "column_weights": j, "position_weights": (i, j)}
        return sum(parameters[name][place] for name, place in places.items() if name in parameters)

    return torch.stack([torch.stack([at(i, j) for j in range(columns)]) for i in range(rows)])


def normalised_by_hand(raw: torch.Tensor, normalize: str) -> torch.Tensor:
    if normalize == "softmax":
        return raw.exp() / raw.exp().sum(-1, keepdim=True)
    return raw / raw.square().sum(-1, keepdim=True).sqrt() if normalize == "norm" else raw


def _naive_low_rank(layer, image):
    # `test_input_weights` holds the network itself against loops.
    raw = raw_weights(layer) if layer.weight_net is None else layer.weight_net(image)[0]
    combining = normalised_by_hand(raw, layer.normalize).expand(*layer.geometry.output_size, -1)
    if layer.bank_geometries is None:
        return _by_loops(layer.geometry, image, naive_kernels(layer.banks, combining), bias_map(layer))
    shares = []
    for k, (bank, own) in enumerate(zip(layer.banks, layer.bank_geometries, strict=True)):
        kernels = naive_kernels(bank[None], combining[..., k, None])
        shares.append(_by_loops(own, image, kernels, None))
    return sum(shares) + bias_map(layer)


def _naive_wide(layer, x):
    conv, geometry = layer.conv, Geometry.of_conv(layer.conv, tuple(x.shape[-2:]))
    rows, columns = geometry.output_size
    bias = None if conv.bias is None else conv.bias[:, None, None].expand(-1, rows, columns)
    hidden = _by_loops(geometry, x, _everywhere(layer.hidden.weight, geometry), None).clamp(min=0)
    pointwise = Geometry.of(hidden.shape[1], conv.out_channels, 1, (rows, columns), groups=conv.groups)
    mix = _by_loops(pointwise, hidden, _everywhere(layer.mix.weight, pointwise), None)
    return _by_loops(geometry, x, _everywhere(conv.weight, geometry), bias) + mix


def _naive_coord(layer, x):
    (height, width), geometry = layer.geometry.input_size, layer.geometry
    maps = torch.tensor(
        [
            [[2 * i / (height - 1) - 1] * width for i in range(height)],
            [[2 * j / (width - 1) - 1 for j in range(width)]] * height,
        ],
        dtype=x.dtype,
    )
    placed = replace(geometry, in_channels=2, groups=1)
    y = _by_loops(geometry, x, _everywhere(layer.weight, geometry), bias_map(layer))
    return y + _by_loops(placed, maps[None], _everywhere(layer.coord_weight, placed), None)


def _naive_position_vector(layer, x):
    (height, width), rows, columns = layer.geometry.input_size, layer.row_vectors, layer.column_vectors
    p = [[layer.projection @ (rows[i] + columns[j]) for j in range(width)] for i in range(height)]
    seen = x + torch.stack([torch.stack(row) for row in p]).permute(2, 0, 1)
    return _by_loops(layer.geometry, seen, _everywhere(layer.weight, layer.geometry), bias_map(layer))


def _everywhere(kernel, geometry):
    return kernel.expand(*geometry.output_size, *kernel.shape)


def _by_loops(geometry, x, kernels, bias):
    if bias is None:
        bias = x.new_zeros(kernels.shape[2], *geometry.output_size)
    names = ("stride", "padding", "dilation", "groups", "padding_mode")
    return naive_locally_connected(x, kernels, bias, **{name: getattr(geometry, name) for name in names})
