"""Combining weights that are computed from the input: the network, and the layer that uses it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_oracles import (
    EVEN_SAME,
    SHAPES,
    assert_equal_maps,
    naive_kernels,
    naive_locally_connected,
    randomised,
    shapes,
)

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.layers.combining import NORMALIZATIONS
from lrlc_nas.layers.input_weights import NETWORKS, InputWeights, active_dilations


def make(shape, rank=3, **options):
    options = {"weights": "input", "dtype": torch.float64} | shape.options | options
    return randomised(LowRankLocallyConnected2d(*shape.arguments, rank, **options))


def pointwise(maps, conv):
    """maps (C, H, W) -> (F, H, W), one position at a time."""
    out = torch.empty(len(conv.bias), *maps.shape[1:], dtype=maps.dtype)
    for i in range(maps.shape[1]):
        for j in range(maps.shape[2]):
            out[:, i, j] = conv.weight[:, :, 0, 0] @ maps[:, i, j] + conv.bias
    return out


def depthwise(maps, conv, r):
    """maps (K, H, W) -> (K, H - 2r, W - 2r): each map with its own kernel of dilation r; 2r is 0 for 1 tap."""
    down, across = (r * (taps - 1) for taps in conv.weight.shape[2:])
    rank, height, width = maps.shape
    out = torch.empty(rank, height - down, width - across, dtype=maps.dtype)
    for k in range(rank):
        for i in range(height - down):
            for j in range(width - across):
                window = maps[k, i : i + down + 1 : r, j : j + across + 1 : r]
                out[k, i, j] = (window * conv.weight[k, 0]).sum() + conv.bias[k]
    return out


def line(size, resized):
    """For each resized index: two source indices and the share of the second; the corners meet."""
    for index in range(resized):
        at = index * (size - 1) / (resized - 1) if resized > 1 else 0.0
        first = min(int(at), size - 1)
        yield first, min(first + 1, size - 1), at - first


def bilinear(maps, size):
    """maps (K, H, W) -> (K, Y, X)."""
    out = torch.empty(len(maps), *size, dtype=maps.dtype)
    for i, (top, bottom, down) in enumerate(line(maps.shape[1], size[0])):
        for j, (left, right, along) in enumerate(line(maps.shape[2], size[1])):
            upper = (1 - along) * maps[:, top, left] + along * maps[:, top, right]
            lower = (1 - along) * maps[:, bottom, left] + along * maps[:, bottom, right]
            out[:, i, j] = (1 - down) * upper + down * lower
    return out


def naive_weight_net(net, image, dilations, size):
    """image (C, H, W) -> raw weights (Y, X, K), by loops."""
    low = pointwise(image, net.low)
    views = [bilinear(low, size), low.mean((1, 2))[:, None, None].expand(-1, *size)]
    views += [bilinear(depthwise(low, conv, r), size) for conv, r in zip(net.around, dilations, strict=True)]
    hidden = pointwise(torch.cat(views), net.widen).clamp(min=0)
    gate = 1 / (1 + (-pointwise(hidden, net.gate)).exp())
    return pointwise(gate, net.project).permute(1, 2, 0)


@pytest.mark.parametrize(
    ("input_size", "dilations"),
    [
        ((2, 9), ()),
        ((3, 9), (1,)),
        ((4, 4), (1,)),
        ((5, 7), (1, 2)),
        ((16, 9), (1, 2, 4)),
        ((17, 18), (1, 2, 4, 8)),
        ((40, 40), (1, 2, 4, 8)),
    ],
)
def test_dilations_that_do_not_fit_are_left_out(input_size, dilations):
    assert active_dilations(input_size) == dilations
    net = InputWeights(3, input_size, (2, 2), 2)
    assert [conv.dilation for conv in net.around] == [(r, r) for r in dilations]
    assert net(torch.randn(2, 3, *input_size)).shape == (2, 2, 2, 2)


@pytest.mark.parametrize(("side", "count"), [(2, 0), (3, 1), (5, 2), (9, 3), (17, 4)])
@pytest.mark.parametrize("rank", [1, 2, 5])
def test_parameters_are_those_of_the_formula(side, count, rank):
    net = InputWeights(7, (side, side), (3, 3), rank)
    expected = (30 + 3 * count) * rank**2 + (11 + 10 * count) * rank + 7 * rank
    assert sum(parameter.numel() for parameter in net.parameters()) == expected


@pytest.mark.parametrize(("rank", "parameters"), [(1, 157), (2, 398), (3, 723), (4, 1132), (8, 3608)])
def test_parameters_at_the_size_of_the_paper(rank, parameters):
    layer = LowRankLocallyConnected2d(64, 64, 3, 28, rank, weights="input", device="meta")
    assert sum(parameter.numel() for parameter in layer.weight_net.parameters()) == parameters
    total = sum(parameter.numel() for parameter in layer.parameters())
    assert total == rank * 9 * 64 * 64 + parameters + 26 * 26 + 64


@pytest.mark.parametrize(
    ("input_size", "output_size"),
    [((9, 9), (7, 7)), ((5, 6), (5, 6)), ((5, 4), (1, 2)), ((3, 10), (4, 9)), ((2, 2), (2, 1))],
)
def test_the_network_against_loops(input_size, output_size):
    net = randomised(InputWeights(2, input_size, output_size, 3, dtype=torch.float64))
    x = torch.randn(2, 2, *input_size, dtype=torch.float64)
    expected = [naive_weight_net(net, image, active_dilations(input_size), output_size) for image in x]
    assert_equal_maps(net(x), torch.stack(expected))


@pytest.mark.parametrize(("kind", "axis"), [("rows-input", 1), ("columns-input", 0)])
@pytest.mark.parametrize(("input_size", "output_size"), [((9, 5), (7, 3)), ((4, 12), (4, 12)), ((2, 3), (1, 2))])
def test_the_network_of_one_axis_is_that_of_its_means(kind, axis, input_size, output_size):
    """Against loops; the other axis takes no part but in the means."""
    net = randomised(NETWORKS[kind](2, input_size, output_size, 3, dtype=torch.float64))
    x = torch.randn(2, 2, *input_size, dtype=torch.float64)
    size, sides = list(output_size), list(input_size)
    size[axis], length = 1, sides[1 - axis]
    dilations = active_dilations((length, length))
    means = [image.mean(1 + axis, keepdim=True) for image in x]
    expected = [naive_weight_net(net, image, dilations, tuple(size)) for image in means]
    assert_equal_maps(net(x), torch.stack(expected))
    shuffled = x[..., torch.randperm(input_size[1])] if axis == 1 else x[:, :, torch.randperm(input_size[0])]
    assert_equal_maps(net(shuffled), net(x))


@pytest.mark.parametrize(("kind", "axis"), [("rows-input", 1), ("columns-input", 0)])
def test_kernels_from_the_means_of_one_axis_differ_along_the_other_alone(kind, axis):
    shape = SHAPES["plain"]
    layer, x = make(shape, weights=kind), shape.images(2)
    combining, bias = layer.combining_weights(x), layer.position_bias_map()
    assert combining.shape == (2, *layer.geometry.output_size, 3)
    assert torch.equal(combining, combining.narrow(1 + axis, 0, 1).expand_as(combining))
    assert torch.equal(bias, bias.narrow(axis, 0, 1).expand_as(bias))
    assert combining.std(2 - axis).max() > 1e-3
    assert (combining[0] - combining[1]).abs().max() > 1e-3


def test_the_network_starts_glorot_uniform():
    net = InputWeights(64, (17, 17), (17, 17), 32)
    fans = {"low": 64 + 32, "widen": 6 * 32 + 3 * 32, "gate": 3 * 32 + 6 * 32, "project": 6 * 32 + 32}
    fans |= {f"around.{n}": 9 + 9 * 32 for n in range(4)}
    for name, fan in fans.items():
        conv, bound = net.get_submodule(name), math.sqrt(6 / fan)
        assert conv.weight.abs().max() <= bound, name
        assert conv.weight.abs().max() > 0.95 * bound, name
        assert conv.bias.eq(0).all(), name


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("name", ["plain", "same", "stride", "groups", "reflect"])
def test_each_image_has_the_locally_connected_layer_of_its_own_kernels(name, normalize):
    shape = SHAPES[name]
    layer, x = make(shape, normalize=normalize), shape.images(3)
    local = LocallyConnected2d(*shape.arguments, dtype=torch.float64, **shape.options)
    combining, kernels, y = layer.combining_weights(x), layer.kernels(x), layer(x)
    assert kernels.shape == (3, *local.weight.shape)
    for image, weights, own, expected in zip(x, combining, kernels, y, strict=True):
        assert_equal_maps(own, naive_kernels(layer.banks, weights))
        bias = layer.bias[:, None, None] + layer.position_bias
        local.load_state_dict({"weight": own, "bias": bias})
        assert_equal_maps(local(image), expected)
    assert (combining[0] - combining[1]).abs().max() > 1e-3


def test_the_layer_against_loops():
    shape = SHAPES["plain"]
    layer, x = make(shape), shape.images(2)
    size = layer.geometry.output_size
    for image, y in zip(x, layer(x), strict=True):
        raw = naive_weight_net(layer.weight_net, image, active_dilations(shape.input_size), size)
        combining = raw.exp() / raw.exp().sum(-1, keepdim=True)
        bias = layer.bias[:, None, None] + layer.position_bias
        kernels = naive_kernels(layer.banks, combining)
        assert_equal_maps(y, naive_locally_connected(image[None], kernels, bias, **shape.options)[0])


def test_an_image_is_not_changed_by_its_neighbours_in_the_batch():
    layer, x = make(SHAPES["plain"]), SHAPES["plain"].images(3)
    assert_equal_maps(layer(x[1:2]), layer(x)[1:2])
    assert_equal_maps(layer(x[1]), layer(x)[1])


@pytest.mark.filterwarnings(EVEN_SAME)
@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(shapes(), st.integers(1, 4), st.sampled_from(NORMALIZATIONS), st.booleans(), st.sampled_from([*NETWORKS]))
def test_from_conv_computes_what_the_convolution_computes(shape, rank, normalize, bias, weights):
    conv, x = shape.conv(bias=bias), shape.images()
    layer = LowRankLocallyConnected2d.from_conv(conv, shape.input_size, rank, normalize=normalize, weights=weights)
    assert_equal_maps(layer(x), conv(x))
    combining = layer.combining_weights(x)
    expected = 1 / rank if normalize == "softmax" else 1 / math.sqrt(rank)
    assert_equal_maps(combining, torch.full_like(combining, expected))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_the_first_step_after_from_conv_makes_images_and_positions_differ(normalize):
    shape = SHAPES["plain"]
    layer = LowRankLocallyConnected2d.from_conv(shape.conv(), shape.input_size, 3, normalize=normalize, weights="input")
    optimiser, x = torch.optim.SGD(layer.parameters(), 0.01), shape.images(2)
    assert layer.combining_weights(x).std((0, 1, 2)).max() < 1e-12
    layer(x).square().mean().backward()
    assert layer.weight_net.project.weight.grad.abs().max() > 0
    optimiser.step()
    combining = layer.combining_weights(x)
    assert (combining[0] - combining[1]).abs().max() > 1e-9
    assert combining[0].std((0, 1)).max() > 1e-9
    optimiser.zero_grad()
    layer(x).square().mean().backward()
    for name, parameter in layer.weight_net.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_from_conv_draws_the_same_network_from_the_same_seed_and_takes_over_the_dtype():
    conv = SHAPES["plain"].conv(dtype=torch.bfloat16)

    def state():
        torch.manual_seed(5)
        return LowRankLocallyConnected2d.from_conv(conv, (5, 6), 2, weights="input").state_dict()

    first, second = state(), state()
    assert first["weight_net.low.weight"].std() > 0
    for name, tensor in first.items():
        assert tensor.dtype == torch.bfloat16, name
        assert torch.equal(tensor, second[name]), name
    on_meta = LowRankLocallyConnected2d.from_conv(torch.nn.Conv2d(2, 3, 3, device="meta"), 6, 2, weights="input")
    assert {parameter.device.type for parameter in on_meta.parameters()} == {"meta"}


def test_names_of_the_parameters():
    layer = LowRankLocallyConnected2d(3, 6, 3, (5, 6), 2, weights="input")
    convolutions = ["low", "around.0", "around.1", "widen", "gate", "project"]
    expected = {f"weight_net.{conv}.{kind}" for conv in convolutions for kind in ("weight", "bias")}
    assert set(layer.state_dict()) == expected | {"banks", "position_bias", "bias"}
    assert layer.position_bias.shape == (3, 4)
    without = LowRankLocallyConnected2d(3, 6, 3, (5, 6), 2, weights="input", bias=False, spatial_bias=False)
    assert set(without.state_dict()) == expected | {"banks"}
    assert "weights='input'" in repr(without)


def test_what_depends_on_the_input_needs_one():
    layer, x = make(SHAPES["plain"]), SHAPES["plain"].images()
    for question in (layer.combining_weights, layer.kernels, layer.smoothness):
        with pytest.raises(InputError, match="depend on the input, but there is none"):
            question()
        with pytest.raises(InputError, match=r"require shape \(B, C, H, W\), but the input has \(2, 5, 6\)"):
            question(x[0])
        with pytest.raises(InputError, match=r"made for maps of size \(5, 6\), but the input is of size \(5, 5\)"):
            question(x[..., :5])


def test_fixed_weights_ignore_the_input():
    layer, x = make(SHAPES["plain"], weights="full"), SHAPES["plain"].images()
    assert torch.equal(layer.combining_weights(x), layer.combining_weights())
    assert torch.equal(layer.kernels(x), layer.kernels())


def test_there_is_no_kernel_path():
    message = "weights='input' requires computation='bank', but it is 'kernel'"
    with pytest.raises(InputError, match=message):
        LowRankLocallyConnected2d(2, 3, 3, 6, 2, weights="input", computation="kernel")
    layer = LowRankLocallyConnected2d(2, 3, 3, 6, 2, weights="input")
    with pytest.raises(InputError, match=message):
        layer.computation = "kernel"
    with pytest.raises(InputError, match=message):
        LowRankLocallyConnected2d.from_conv(torch.nn.Conv2d(2, 3, 3), 6, 2, weights="input", computation="kernel")
    assert layer.computation == "auto"
