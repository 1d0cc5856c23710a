"""Laws of the low-rank layer: what its parametrisations mean, reach and cannot reach."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_family import FAMILY, RANK, bias_map, normalised_by_hand, raw_weights
from layer_oracles import SHAPES, assert_equal_maps, naive_kernels, naive_locally_connected, randomised, shapes

from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.layers.combining import NORMALIZATIONS, PARTS

WEIGHTS = ("row+column", "rows", "columns", "full")


def make(shape, rank=3, **options):
    layer = LowRankLocallyConnected2d(*shape.arguments, rank, dtype=torch.float64, **shape.options, **options)
    return randomised(layer)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_every_parametrisation_under_every_normalisation(weights, normalize):
    shape = SHAPES["stride"]
    layer, x = make(shape, weights=weights, normalize=normalize), shape.images()
    combining = normalised_by_hand(raw_weights(layer), normalize)
    assert_equal_maps(layer.combining_weights(), combining)
    assert_equal_maps(layer.kernels(), naive_kernels(layer.banks, combining))
    expected = naive_locally_connected(x, layer.kernels(), bias_map(layer), **shape.options)
    assert_equal_maps(layer(x), expected)


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(shapes(), st.integers(1, 4), st.sampled_from(WEIGHTS), st.sampled_from(NORMALIZATIONS))
def test_it_equals_the_locally_connected_layer_that_has_its_kernels(shape, rank, weights, normalize):
    layer = make(shape, rank, weights=weights, normalize=normalize)
    local = LocallyConnected2d(*shape.arguments, dtype=torch.float64, **shape.options)
    local.load_state_dict({"weight": layer.kernels(), "bias": bias_map(layer)})
    x = shape.images()
    assert_equal_maps(layer(x), local(x))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_factored_equals_full_with_the_sums_of_its_parts(normalize):
    shape = SHAPES["plain"]
    factored, full = make(shape, normalize=normalize), make(shape, weights="full", normalize=normalize)
    state = factored.state_dict()
    full.load_state_dict(
        {
            "banks": state["banks"],
            "bias": state["bias"],
            "position_weights": state["row_weights"][:, None] + state["column_weights"],
            "position_bias": state["row_bias"][:, None] + state["column_bias"],
        }
    )
    x = shape.images()
    assert_equal_maps(full(x), factored(x))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_rank_one_under_softmax_is_a_convolution_plus_a_position_bias(weights):
    shape = SHAPES["groups"]
    layer, conv, x = make(shape, 1, weights=weights), shape.conv(), shape.images()
    conv.load_state_dict({"weight": layer.banks[0], "bias": torch.zeros_like(conv.bias)})
    assert_equal_maps(layer(x), conv(x) + bias_map(layer))
    layer(x).square().sum().backward()
    for name, parameter in layer.named_parameters():
        if name.endswith("_weights"):
            assert torch.equal(parameter.grad, torch.zeros_like(parameter)), name
        else:
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize(("weights", "axis"), [("rows", 1), ("columns", 0)])
def test_the_axis_that_is_shared_has_one_kernel(weights, axis):
    kernels = make(SHAPES["plain"], weights=weights).kernels()
    assert kernels.std(axis).max() == 0
    assert kernels.std(1 - axis).max() > 0.01


def test_one_bank_for_each_position_reaches_any_locally_connected_layer():
    shape = SHAPES["stride"]
    local = randomised(LocallyConnected2d(*shape.arguments, bias=False, dtype=torch.float64, **shape.options))
    rows, columns = local.geometry.output_size
    rank = rows * columns
    layer = make(shape, rank, weights="full", normalize="none", bias=False, spatial_bias=False)
    layer.load_state_dict(
        {
            "banks": local.weight.flatten(0, 1),
            "position_weights": torch.eye(rank, dtype=torch.float64).view(rows, columns, rank),
        }
    )
    x = shape.images()
    assert_equal_maps(layer(x), local(x))


@pytest.mark.parametrize("computation", ["bank", "kernel"])
def test_what_one_output_position_depends_on(computation):
    """The Jacobian of an output position touches exactly the taps of its window."""
    layer = make(SHAPES["plain"], computation=computation)
    x = SHAPES["plain"].images(1)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0, 0, 1, 2], x)
    window = torch.zeros(5, 6, dtype=torch.bool)
    window[1:4, 2:5] = True
    assert torch.equal(jacobian[0].abs().amin(0) > 0, window)
    assert torch.equal(jacobian[0].abs().amax(0) > 0, window)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("weights", PARTS)
def test_combining_weights(weights, normalize):
    layer = randomised(LowRankLocallyConnected2d(2, 3, 3, 6, RANK, weights=weights, normalize=normalize))
    combining = layer.combining_weights(torch.randn(2, 2, 6, 6))
    assert combining.shape[-3:] == (4, 4, RANK)
    if normalize == "softmax":
        assert combining.min() > 0
        assert_equal_maps(combining.sum(-1), torch.ones_like(combining[..., 0]), 1e-5)
    elif normalize == "norm":
        assert_equal_maps(combining.norm(dim=-1), torch.ones_like(combining[..., 0]), 1e-5)
    else:
        assert (combining.sum(-1) - 1).abs().min() > 1e-3


@pytest.mark.parametrize("rank", [1, 2, 4, 8])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_variance_of_the_initial_output_falls_with_the_rank_under_softmax_alone(normalize, rank):
    """He: white noise through 2/fan_in gives variance 2, which the softmax of K equal weights divides by K."""
    layer = LowRankLocallyConnected2d(32, 128, 3, 5, rank, normalize=normalize)
    y = layer(torch.randn(64, 32, 5, 5))
    expected = 2 / rank if normalize == "softmax" else 2
    # 36,864 kernel values: the variance of he_uniform itself is known to 1 %, that of the noise to less.
    assert y.var().item() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("name", ["bank between parts", "softmax shift", "bias between parts", "bias to channel"])
def test_what_moves_between_parts_that_are_summed_changes_nothing(name):
    layer, x = FAMILY["row+column softmax bank"].layer(SHAPES["plain"]), SHAPES["plain"].images()
    rows = layer.geometry.output_size[0]
    shift = {
        "bank between parts": {"row_weights": torch.randn(RANK), "column_weights": None},
        "softmax shift": {"row_weights": torch.randn(rows, 1)},
        "bias between parts": {"row_bias": torch.tensor(2.0), "column_bias": None},
        "bias to channel": {"column_bias": torch.tensor(2.0), "bias": None},
    }[name]
    y, moved = layer(x).detach(), next(value for value in shift.values() if value is not None)
    with torch.no_grad():
        for parameter, value in shift.items():
            getattr(layer, parameter).add_(-moved if value is None else value)
    assert_equal_maps(layer(x), y)


@pytest.mark.parametrize("weights", ["row+column", "full"])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_the_kernels_of_all_positions_have_the_rank_that_the_mathematics_gives_them(weights, normalize):
    """Y*X = 20 positions, Y + X - 1 = 8; K = 12 banks lie between, and full softmax mixes are affine."""
    rank = 12
    layer = LowRankLocallyConnected2d(4, 4, 3, (6, 7), rank, weights=weights, normalize=normalize, dtype=torch.float64)
    kernels = randomised(layer).kernels().detach().flatten(0, 1).flatten(1)
    capped = weights == "row+column" and normalize != "softmax"
    assert torch.linalg.matrix_rank(kernels).item() == (4 + 5 - 1 if capped else rank)
    affine = torch.linalg.matrix_rank(kernels - kernels[0]).item()
    if normalize == "softmax":
        assert affine == rank - 1
    few = randomised(LowRankLocallyConnected2d(4, 4, 3, (6, 7), 2, weights=weights, normalize=normalize))
    kernels = few.kernels().detach().flatten(0, 1).flatten(1).double()
    between = kernels - kernels[0]
    directions = torch.linalg.matrix_rank(between, rtol=1e-4).item()
    assert directions == (1 if normalize == "softmax" else 2)


def test_one_bank_mixed_without_bounds_is_a_gain_and_under_norm_a_sign():
    shape = SHAPES["plain"]
    for normalize in ("none", "norm"):
        layer = randomised(LowRankLocallyConnected2d(*shape.arguments, 1, normalize=normalize, dtype=torch.float64))
        gain = layer.row_weights[:, None, 0] + layer.column_weights[:, 0]
        expected = gain if normalize == "none" else gain.sign()
        assert_equal_maps(layer.combining_weights()[..., 0], expected)
        slope = torch.autograd.grad(layer(shape.images()).sum(), layer.row_weights)[0]
        assert (slope.abs().max() > 1e-3) == (normalize == "none")
        assert math.isclose(slope.abs().max().item(), 0, abs_tol=1e-9) == (normalize == "norm")
