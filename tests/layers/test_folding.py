"""What is folded for inference computes the same with plainer means."""

import pytest
import torch
from layer_family import FAMILY, FOLDABLE, RANK, bias_map, of_kind
from layer_oracles import EVEN_SAME, SHAPES, assert_equal_maps, randomised
from torch import nn

from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d, TiedBanksConv2d
from lrlc_nas.layers.combining import NORMALIZATIONS

pytestmark = pytest.mark.filterwarnings(EVEN_SAME)

LOW_RANK = [name for name in FOLDABLE if name not in ("lc", "tied")]
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def level(layer):
    """Make all positions of a layer equal, but not its banks."""
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name in ("weight", "position_weights", "position_bias"):
                parameter.copy_(parameter[:1, :1].clone().expand_as(parameter))
            elif name.startswith(("row_", "column_")):
                parameter.copy_(parameter[:1].clone().expand_as(parameter))
        if isinstance(layer, LocallyConnected2d) and layer.bias is not None:
            layer.bias.copy_(layer.bias[:, :1, :1].clone().expand_as(layer.bias))
    return layer


@of_kind(*LOW_RANK)
@each_shape
def test_a_low_rank_layer_becomes_a_locally_connected_one(member, shape):
    layer, x = member.layer(shape), shape.images()
    folded = layer.fold()
    assert type(folded) is LocallyConnected2d
    assert folded.geometry == layer.geometry
    assert_equal_maps(folded(x), layer(x))


@of_kind(*FOLDABLE)
@each_shape
def test_a_layer_whose_positions_are_equal_becomes_a_convolution(member, shape):
    layer, x = level(member.layer(shape)), shape.images()
    conv = layer.fold()
    assert type(conv) is nn.Conv2d
    assert_equal_maps(conv(x), layer(x))


@pytest.mark.parametrize("leveled", [False, True])
@of_kind(*FOLDABLE)
def test_in_single_precision(member, leveled):
    shape = SHAPES["groups"]
    layer, x = member.layer(shape, dtype=torch.float32), shape.images(dtype=torch.float32)
    expected = (level(layer) if leveled else layer)(x)
    folded = layer.fold()
    assert {parameter.dtype for parameter in folded.parameters()} == {torch.float32}
    assert (folded(x) - expected).abs().max() < 1e-5 * expected.abs().max()
    assert (type(folded) is nn.Conv2d) == leveled


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("weights", ["row+column", "rows", "columns", "full"])
def test_a_fresh_layer_and_one_made_of_a_convolution_become_that_convolution(weights, normalize):
    """In single precision, where the mixture is the kernel up to rounding alone."""
    conv, x = nn.Conv2d(8, 8, 3, padding=1), torch.randn(2, 8, 6, 6)
    layer = LowRankLocallyConnected2d.from_conv(conv, 6, 5, weights=weights, normalize=normalize)
    folded = layer.fold()
    assert type(folded) is nn.Conv2d
    assert_equal_maps(folded(x), conv(x), tolerance=1e-5)


@pytest.mark.parametrize("leveled", [False, True])
@pytest.mark.parametrize("spatial_bias", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_biases_are_kept_and_none_is_added(bias, spatial_bias, leveled):
    shape = SHAPES["stride"]
    layer = randomised(
        LowRankLocallyConnected2d(
            *shape.arguments, RANK, bias=bias, spatial_bias=spatial_bias, dtype=torch.float64, **shape.options
        )
    )
    if leveled:
        level(layer)
    folded, x = layer.fold(), shape.images()
    assert (folded.bias is not None) == (bias or spatial_bias)
    assert (type(folded) is nn.Conv2d) == leveled
    assert_equal_maps(folded(x), layer(x))


@pytest.mark.parametrize("bias", [False, True])
def test_a_locally_connected_layer_without_bias_stays_without(bias):
    layer = level(FAMILY["lc"].layer(SHAPES["same"], bias=bias))
    assert (layer.fold().bias is not None) == bias


def test_kernels_that_are_equal_under_a_bias_that_is_not_stay_locally_connected():
    for name in ("full none kernel", "row+column softmax bank", "lc", "tied"):
        shape = SHAPES["plain"]
        layer = level(FAMILY[name].layer(shape))
        bias = dict(layer.named_parameters()).get("row_bias", dict(layer.named_parameters()).get("position_bias"))
        with torch.no_grad():
            (layer.bias[0] if bias is None else bias)[1] += 1e-3
        folded, x = layer.fold(), shape.images()
        assert type(folded) is not nn.Conv2d, name
        assert_equal_maps(folded(x), layer(x))


# What positions have learnt is kept, however little it is


def assert_it_folds_to_what_it_computes(layer, tolerance):
    folded, x = layer.fold(), torch.randn(4, layer.geometry.in_channels, *layer.geometry.input_size)
    y, expected = (each.float()(x).detach().transpose(0, 1).flatten(1) for each in (folded, layer))
    # Each filter by its own measure.
    error = (y - expected).norm(dim=1) / expected.norm(dim=1)
    assert error.max() < tolerance
    return folded


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_one_number_of_a_locally_connected_layer_that_differs_is_kept(dtype):
    layer = level(FAMILY["lc"].layer(SHAPES["plain"], dtype=dtype))
    assert type(layer.fold()) is nn.Conv2d
    with torch.no_grad():
        number = layer.weight[1, 2, 0, 0, 0, 0]
        number.copy_(torch.nextafter(number, number.new_tensor(torch.inf)))
    assert layer.fold() is layer


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("weights", ["row+column", "rows", "columns", "full"])
def test_small_differences_that_half_precision_has_learnt(weights, dtype):
    layer = LowRankLocallyConnected2d(3, 4, 3, 6, 2, weights=weights, dtype=dtype)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.endswith("_weights"):
                parameter.add_(0.05 * torch.randn_like(parameter))
    assert type(assert_it_folds_to_what_it_computes(layer, 0.01)) is LocallyConnected2d


@pytest.mark.parametrize("weights", ["row+column", "rows", "columns", "full"])
def test_a_small_filter_beside_large_ones(weights):
    """Only for the small filter do the banks differ, so that it alone depends on the position."""
    layer = LowRankLocallyConnected2d(3, 4, 3, 6, 2, weights=weights, bias=False)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.endswith("_weights"):
                parameter.add_(0.1 * torch.randn_like(parameter))
        layer.banks[:, :3] = 1
        layer.banks[:, 3] *= 1e-7
    assert type(assert_it_folds_to_what_it_computes(layer, 1e-5)) is LocallyConnected2d


def test_one_bank_of_length_one_is_a_convolution_up_to_rounding():
    layer = randomised(LowRankLocallyConnected2d(3, 4, 3, 6, 1, normalize="norm", spatial_bias=False))
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            if name.endswith("_weights"):
                parameter.abs_()
    assert type(assert_it_folds_to_what_it_computes(layer, 1e-5)) is nn.Conv2d


@of_kind("input softmax", "input norm", "different banks input")
def test_weights_from_the_input_stay(member):
    layer = member.layer(SHAPES["plain"])
    assert layer.fold() is layer


def test_a_locally_connected_layer_whose_positions_differ_stays():
    layer = FAMILY["lc"].layer(SHAPES["plain"])
    assert layer.fold() is layer
    tied = FAMILY["tied"].layer(SHAPES["plain"])
    assert type(tied) is TiedBanksConv2d
    assert tied.fold() is tied


@pytest.mark.parametrize("leveled", [False, True])
@of_kind(*FOLDABLE)
def test_mode_dtype_and_random_numbers(member, leveled):
    for training in (True, False):
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            layer = member.layer(SHAPES["groups"], dtype=dtype).train(training)
            before = torch.get_rng_state()
            folded = (level(layer) if leveled else layer).fold()
            assert torch.equal(torch.get_rng_state(), before)
            assert folded.training == training
            assert {parameter.dtype for parameter in folded.parameters()} == {dtype}


@pytest.mark.parametrize(("name", "leveled"), [(n, True) for n in FOLDABLE] + [(n, False) for n in LOW_RANK])
def test_what_is_folded_has_weights_of_its_own(name, leveled):
    shape = SHAPES["groups"]
    layer, x = FAMILY[name].layer(shape), shape.images()
    folded, y = (level(layer) if leveled else layer).fold(), layer(x)
    assert all(parameter.is_leaf and parameter.requires_grad for parameter in folded.parameters())
    folded(x).sum().backward()
    assert all(parameter.grad is None for parameter in layer.parameters())
    randomised(folded)
    assert torch.equal(layer(x), y)


def test_the_bias_of_the_folded_layer_is_the_sum_of_both():
    layer = FAMILY["row+column softmax bank"].layer(SHAPES["plain"])
    assert_equal_maps(layer.fold().bias, bias_map(layer))
