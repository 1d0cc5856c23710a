"""Controls: what each has of a low-rank layer, what it lacks, and how it starts."""

import copy
import math

import pytest
import torch
from layer_oracles import EVEN_SAME, SHAPES, assert_equal_maps, naive_locally_connected, randomised
from torch import nn

from lrlc_nas.errors import InputError
from lrlc_nas.layers import (
    CoordConv2d,
    Geometry,
    LowRankLocallyConnected2d,
    TiedBanksConv2d,
    WideConv2d,
    matching_hidden_channels,
)
from lrlc_nas.layers.position_vectors import PositionVectorConv2d

pytestmark = pytest.mark.filterwarnings(EVEN_SAME)


def geometry_of(shape):
    return Geometry.of(*shape.arguments, **shape.options)


def tied(geometry, **options):
    return TiedBanksConv2d(geometry, 3, **options)


def wide(geometry, **options):
    return WideConv2d(geometry, 5 * geometry.groups, **options)


LAYERS = {"tied": tied, "coord": CoordConv2d, "position-vector": PositionVectorConv2d, "wide": wide}
FROM_CONV = {
    "tied": lambda conv, size: TiedBanksConv2d.from_conv(conv, size, 3),
    "coord": CoordConv2d.from_conv,
    "position-vector": PositionVectorConv2d.from_conv,
    "wide": lambda conv, size: WideConv2d.from_conv(conv, size, 5 * getattr(conv, "groups", 1)),
}
GROUPED = Geometry.of(4, 6, 3, (7, 8), padding=1, stride=2, groups=2)
each_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


# All of them


@each_layer
def test_the_life_of_a_control(make):
    layer, x = randomised(make(GROUPED)), torch.randn(5, 4, 7, 8, requires_grad=True)
    y = layer(x)
    assert y.shape == (5, 6, 4, 4)
    y.square().sum().backward()
    assert x.grad.abs().max() > 0
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    assert_equal_maps(layer(input=x[1]), y[1], tolerance=1e-4)
    assert layer(x[:0]).shape == (0, 6, 4, 4)


@each_layer
def test_state_copies_and_reset(make):
    torch.manual_seed(3)
    layer, x = make(GROUPED), torch.randn(2, 4, 7, 8)
    fresh = copy.deepcopy(layer)
    y = randomised(layer)(x)
    twin, other = copy.deepcopy(layer), make(GROUPED)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(twin(x), y)
    assert torch.equal(other(x), y)
    torch.manual_seed(3)
    layer.reset_parameters()
    assert torch.equal(layer(x), fresh(x))
    assert torch.equal(twin(x), y)


@each_layer
def test_precisions_and_memory_formats(make):
    layer, x = randomised(make(GROUPED)), torch.randn(2, 4, 7, 8)
    y = layer(x)
    assert_equal_maps(copy.deepcopy(layer).double()(x.double()).float(), y, tolerance=1e-3)
    assert y.is_contiguous()
    other = layer(x.to(memory_format=torch.channels_last))
    assert other.is_contiguous(memory_format=torch.channels_last)
    assert_equal_maps(other, y, tolerance=1e-4)
    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    assert low.dtype == torch.bfloat16
    assert_equal_maps(low.float(), y, tolerance=0.05 * y.abs().max().item())


@each_layer
def test_it_compiles_and_exports(make):
    layer, x = randomised(make(GROUPED)), torch.randn(2, 4, 7, 8)
    y = layer(x).detach()
    assert_equal_maps(torch.compile(layer, backend="eager", fullgraph=True)(x), y, tolerance=1e-5)
    assert_equal_maps(torch.export.export(layer, (x,)).module()(x), y, tolerance=1e-5)


@each_layer
def test_device_dtype_and_bias(make):
    layer = make(GROUPED, bias=False, device="meta", dtype=torch.float64)
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float64)}
    assert not {"bias", "conv.bias"} & dict(layer.named_parameters()).keys()
    assert "bias=False" in repr(layer)


@each_shape
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", FROM_CONV)
def test_a_control_made_of_a_convolution_computes_the_same(name, bias, shape):
    conv, x = shape.conv(bias=bias).eval(), shape.images()
    layer = FROM_CONV[name](conv, shape.input_size)
    assert_equal_maps(layer(x), conv(x))
    assert not layer.training
    assert {parameter.dtype for parameter in layer.parameters()} == {torch.float64}
    layer(x).square().sum().backward()
    assert conv.weight.grad is None


@pytest.mark.parametrize("make", FROM_CONV.values(), ids=FROM_CONV)
def test_only_plain_convolutions_can_become_controls(make):
    with pytest.raises(InputError, match="requires a plain Conv2d: Linear is not a Conv2d"):
        make(nn.Linear(2, 3), (6, 6))


@pytest.mark.parametrize("make", [tied, CoordConv2d])
def test_an_input_of_another_size_is_named(make):
    with pytest.raises(InputError, match=r"made for maps of size \(7, 8\), but the input is of size \(8, 7\)"):
        make(GROUPED)(torch.zeros(1, 4, 8, 7))


# Tied banks


@each_shape
@pytest.mark.parametrize("normalize", ["softmax", "norm", "none"])
def test_tied_banks_are_one_kernel_and_a_position_bias(normalize, shape):
    geometry = geometry_of(shape)
    layer = randomised(TiedBanksConv2d(geometry, 3, normalize=normalize, dtype=torch.float64))
    raw = layer.tied_weights.detach()
    shares = {"softmax": raw.exp() / raw.exp().sum(), "norm": raw / raw.norm(), "none": raw}[normalize]
    kernel = sum(share * bank for share, bank in zip(shares, layer.banks.detach(), strict=True))
    position = layer.row_bias.detach()[:, None] + layer.column_bias.detach()
    bias = layer.bias.detach()[:, None, None] + position
    x = shape.images()
    kernels = kernel.expand(*geometry.output_size, *kernel.shape)
    assert_equal_maps(layer(x), naive_locally_connected(x, kernels, bias, **shape.options))


@pytest.mark.parametrize("normalize", ["softmax", "norm", "none"])
def test_a_low_rank_layer_without_variation_over_positions_is_its_tied_control(normalize):
    """And the control has that layer's start: banks, combining weights and biases."""
    geometry = geometry_of(SHAPES["plain"])
    control = TiedBanksConv2d(geometry, 3, normalize=normalize)
    layer = LowRankLocallyConnected2d(*SHAPES["plain"].arguments, rank=3, normalize=normalize)
    assert_equal_maps(control.combining_weights(), layer.combining_weights()[0, 0], tolerance=1e-6)
    randomised(control)
    with torch.no_grad():
        layer.banks.copy_(control.banks)
        layer.row_weights.copy_(control.tied_weights / 4)
        layer.column_weights.copy_(3 * control.tied_weights / 4)
        for name in ("row_bias", "column_bias", "bias"):
            getattr(layer, name).copy_(getattr(control, name))
    x = SHAPES["plain"].images(dtype=torch.float32)
    assert_equal_maps(control(x), layer(x), tolerance=1e-4)


def test_tied_and_low_rank_layers_draw_the_same_banks():
    conv = nn.Conv2d(2, 3, 3)
    torch.manual_seed(5)
    control = TiedBanksConv2d.from_conv(conv, (5, 6), 3)
    torch.manual_seed(5)
    layer = LowRankLocallyConnected2d.from_conv(conv, (5, 6), 3)
    assert torch.equal(control.banks, layer.banks)
    control(torch.randn(2, 2, 5, 6)).square().sum().backward()
    assert control.tied_weights.grad.abs().max() > 0, "banks that were equal would have no reason to be mixed"


def test_a_tied_layer_folds_to_a_convolution_where_its_bias_does_not_depend_on_the_position():
    layer, x = randomised(tied(GROUPED)).eval(), torch.randn(2, 4, 7, 8)
    assert layer.fold() is layer
    with torch.no_grad():
        layer.row_bias.fill_(0.5)
        layer.column_bias.fill_(-2)
    for each in (layer, randomised(tied(GROUPED, bias=False)), tied(GROUPED, bias=False)):
        if each is not layer:
            nn.init.constant_(each.row_bias, 3)
            nn.init.constant_(each.column_bias, 1)
        conv = each.fold()
        assert type(conv) is nn.Conv2d
        assert conv.training == each.training
        assert_equal_maps(conv(x), each(x), tolerance=1e-4)


def test_the_representation_of_a_tied_layer():
    assert repr(tied(Geometry.of(2, 4, 3, 6), bias=False)) == (
        "TiedBanksConv2d(2, 4, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), rank=3, "
        "normalize='softmax', bias=False)"
    )


# Coordinates


def coordinate_maps(height, width):
    """(2, H, W), by loops."""
    place = lambda index, size: 2 * index / (size - 1) - 1 if size > 1 else 0.0  # noqa: E731
    rows = [[place(i, height) for _ in range(width)] for i in range(height)]
    columns = [[place(j, width) for j in range(width)] for _ in range(height)]
    return torch.tensor([rows, columns], dtype=torch.float64)


@each_shape
def test_a_coordinate_convolution_is_a_convolution_of_the_concatenation(shape):
    """With groups, that of each group with the coordinates beside it."""
    groups = shape.options["groups"]
    layer = randomised(CoordConv2d(geometry_of(shape), dtype=torch.float64))
    x = shape.images()
    maps = coordinate_maps(*shape.input_size).expand(len(x), -1, -1, -1)
    options = {"dtype": torch.float64, **shape.options, "groups": 1}
    outputs = []
    for g in range(groups):
        share = x.chunk(groups, 1)[g]
        conv = nn.Conv2d(share.shape[1] + 2, shape.channels[1] // groups, shape.kernel_size, **options)
        filters = slice(g * conv.out_channels, (g + 1) * conv.out_channels)
        with torch.no_grad():
            conv.weight.copy_(torch.cat([layer.weight[filters], layer.coord_weight[filters]], 1))
            conv.bias.copy_(layer.bias[filters])
        outputs.append(conv(torch.cat([share, maps], 1)))
    assert_equal_maps(layer(x), torch.cat(outputs, 1))


@pytest.mark.parametrize("size", [(3, 4), (1, 4), (3, 1), (2, 2)])
def test_coordinates_run_from_one_border_to_the_other(size):
    layer = CoordConv2d(Geometry.of(2, 3, 1, size), dtype=torch.float64)
    assert_equal_maps(layer.coordinates()[0], coordinate_maps(*size))


def test_a_fresh_coordinate_convolution_counts_its_coordinates_as_inputs():
    layer = CoordConv2d(Geometry.of(16, 64, 3, 9))
    bound = math.sqrt(6 / (9 * (16 + 2)))
    for kernel in (layer.weight, layer.coord_weight):
        assert 0.97 * bound < kernel.abs().max() <= bound
    assert not layer.bias.any()


# Position vectors


def test_position_vectors_start_as_a_convolution_whose_first_step_moves_their_projection():
    layer, x = PositionVectorConv2d(GROUPED), torch.randn(2, 4, 7, 8)
    plain = nn.Conv2d(4, 6, 3, padding=1, stride=2, groups=2)
    plain.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    assert torch.equal(layer.positions(), torch.zeros(1, 4, 7, 8))
    assert_equal_maps(layer(x), plain(x), tolerance=1e-5)
    layer(x).square().sum().backward()
    assert layer.projection.grad.abs().max() > 0
    assert layer.row_vectors.grad.abs().max() == layer.column_vectors.grad.abs().max() == 0
    assert layer.row_vectors.norm(dim=1).mean().item() == pytest.approx(1, rel=0.3)


def test_the_same_vectors_come_of_the_same_seed_on_every_device():
    def vectors(device):
        torch.manual_seed(3)
        return PositionVectorConv2d.from_conv(nn.Conv2d(4, 6, 3, device=device), (7, 8)).row_vectors

    assert torch.equal(vectors("cpu"), vectors("cpu"))
    assert vectors("meta").is_meta


# Wide


@each_shape
def test_a_wide_convolution_is_a_convolution_and_a_hidden_layer(shape):
    layer, x = randomised(wide(geometry_of(shape), dtype=torch.float64)), shape.images()
    groups, mix = shape.options["groups"], layer.mix.weight[:, :, 0, 0]
    hidden = nn.Conv2d(shape.channels[0], 5 * groups, shape.kernel_size, bias=False, **shape.options)
    hidden.weight = layer.hidden.weight
    shares = zip(hidden(x).clamp(min=0).chunk(groups, 1), mix.chunk(groups, 0), strict=True)
    mixed = torch.cat([torch.einsum("bmyx,fm->bfyx", share, weight) for share, weight in shares], 1)
    assert_equal_maps(layer(x), layer.conv(x) + mixed)


def test_both_terms_of_a_wide_convolution_start_with_the_variance_of_a_convolution():
    layer, x = WideConv2d(Geometry.of(32, 256, 3, 8), 512), torch.randn(8, 32, 8, 8)
    terms = [layer.conv(x), layer.mix(layer.hidden(x).relu())]
    for term in terms:
        assert term.square().mean().item() == pytest.approx(2, rel=0.1)
    assert layer(x).square().mean().item() == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rank", [2, 3, 8])
@pytest.mark.parametrize(
    "geometry",
    [
        Geometry.of(64, 64, 3, 32, padding=1),
        Geometry.of(3, 64, 7, 32, stride=2, padding=3),
        Geometry.of(64, 256, 1, 8),
        Geometry.of(256, 256, 3, 14, padding=1, groups=8),
    ],
    ids=["3x3", "stem", "1x1", "groups"],
)
def test_the_parameters_of_a_wide_convolution_match_those_of_a_low_rank_layer(geometry, rank, bias):
    control = WideConv2d(geometry, matching_hidden_channels(geometry, rank, bias=bias), bias=bias)
    # The low-rank layer is only counted, not made: K kernels, then K + 1 numbers for each row and column.
    wanted = sum(p.numel() for p in TiedBanksConv2d(geometry, rank, bias=bias).parameters())
    wanted += rank * (sum(geometry.output_size) - 1)
    assert sum(p.numel() for p in control.parameters()) == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize(
    ("geometry", "rank", "message"),
    [
        (
            Geometry.of(64, 64, 3, 7, groups=64, padding=1), 4,
            r"lrlc-4 has 2,438 parameters; the nearest .* reach is 2,560 \(with 192\), and .* within 2%",
        ),
        (
            Geometry.of(64, 64, 3, 8, padding=1), 1,
            r"the parameters of lrlc-1 are 32 more .* too few for a hidden channel in each group \(640\)",
        ),
    ],
    ids=["depthwise", "rank 1"],
)  # fmt: skip
def test_where_no_number_of_hidden_channels_matches_the_figures_are_told(geometry, rank, message):
    with pytest.raises(InputError, match=message):
        matching_hidden_channels(geometry, rank)


@pytest.mark.parametrize("hidden", [0, 3, -2])
def test_hidden_channels_are_a_multiple_of_the_groups(hidden):
    with pytest.raises(InputError, match=rf"positive multiple of groups \(=2\), but is {hidden}"):
        WideConv2d(GROUPED, hidden)
