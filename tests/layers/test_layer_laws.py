"""What the layers compute, against loops and against each other."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_oracles import (
    SHAPES,
    assert_equal_maps,
    naive_kernels,
    naive_locally_connected,
    randomised,
    shapes,
)

from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d


WEIGHTS = ("row+column", "rows", "columns", "full")
NORMALIZATIONS = ("softmax", "norm", "none")


def make(shape, rank=3, **options):
    layer = LowRankLocallyConnected2d(*shape.arguments, rank, dtype=torch.float64, **shape.options, **options)
    return randomised(layer)


def bias_map(layer):
    """The whole bias, with shape (F, Y, X), from the parameters alone."""
    rows, columns = layer.geometry.output_size
    parameters = dict(layer.named_parameters())
    zero = torch.zeros((), dtype=torch.float64)
    return (
        parameters.get("row_bias", zero.expand(rows))[None, :, None]
        + parameters.get("column_bias", zero.expand(columns))[None, None, :]
        + parameters.get("position_bias", zero.expand(rows, columns))[None]
        + parameters.get("bias", zero.expand(layer.geometry.out_channels))[:, None, None]
    )


def raw_weights(layer):
    """The raw combining weights, with shape (Y, X, K), by loops."""
    rows, columns = layer.geometry.output_size
    parameters = dict(layer.named_parameters())
    raw = torch.zeros(rows, columns, layer.rank, dtype=torch.float64)
    for i in range(rows):
        for j in range(columns):
            if "row_weights" in parameters:
                raw[i, j] += parameters["row_weights"][i]
            if "column_weights" in parameters:
                raw[i, j] += parameters["column_weights"][j]
            if "position_weights" in parameters:
                raw[i, j] += parameters["position_weights"][i, j]
    return raw


def normalised_by_hand(raw, normalize):
    if normalize == "softmax":
        return raw.exp() / raw.exp().sum(-1, keepdim=True)
    return raw / raw.square().sum(-1, keepdim=True).sqrt() if normalize == "norm" else raw


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_locally_connected_is_a_loop_over_positions(shape):
    layer = randomised(LocallyConnected2d(*shape.arguments, dtype=torch.float64, **shape.options))
    x = shape.images()
    assert_equal_maps(layer(x), naive_locally_connected(x, layer.weight, layer.bias, **shape.options))


@pytest.mark.parametrize("path", ["bank", "kernel"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_low_rank_is_a_loop_over_positions_and_banks(shape, path):
    layer, x = make(shape, path=path), shape.images()
    kernels = naive_kernels(layer.banks, normalised_by_hand(raw_weights(layer), "softmax"))
    assert_equal_maps(layer(x), naive_locally_connected(x, kernels, bias_map(layer), **shape.options))


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


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(shapes(), st.integers(1, 4), st.sampled_from(WEIGHTS), st.sampled_from(NORMALIZATIONS))
def test_both_paths_mean_the_same_with_their_gradients(shape, rank, weights, normalize):
    layer, x = make(shape, rank, weights=weights, normalize=normalize), shape.images().requires_grad_()
    layer.path = "bank"
    y = layer(x)
    probe = torch.randn_like(y)
    leaves = [x, *layer.parameters()]
    gradients = torch.autograd.grad((y * probe).sum(), leaves)
    layer.path = "kernel"
    other = layer(x)
    assert_equal_maps(other, y)
    for actual, expected in zip(torch.autograd.grad((other * probe).sum(), leaves), gradients, strict=True):
        assert_equal_maps(actual, expected)


def test_both_paths_mean_the_same_in_single_precision():
    layer = randomised(LowRankLocallyConnected2d(8, 8, 3, 9, 4, padding=1))
    x = torch.randn(3, 8, 9, 9)
    expected = layer(x)
    layer.path = "kernel"
    assert (layer(x) - expected).abs().max() < 1e-5 * expected.abs().max()


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


@pytest.mark.parametrize("path", ["bank", "kernel"])
def test_what_one_output_position_depends_on(path):
    """The Jacobian of an output position touches exactly the taps of its window."""
    layer = make(SHAPES["plain"], path=path)
    x = SHAPES["plain"].images(1)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x)[0, 0, 1, 2], x)
    window = torch.zeros(5, 6, dtype=torch.bool)
    window[1:4, 2:5] = True
    assert torch.equal(jacobian[0].abs().amin(0) > 0, window)
    assert torch.equal(jacobian[0].abs().amax(0) > 0, window)


@pytest.mark.parametrize("name", ["groups", "reflect", "same"])
@pytest.mark.parametrize("path", ["bank", "kernel"])
def test_gradients_against_finite_differences(path, name):
    shape = SHAPES[name]
    layer = make(shape, 2, path=path)
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    leaves = [tensor.detach().requires_grad_() for tensor in parameters]
    assert torch.autograd.gradcheck(call, (shape.images(1).requires_grad_(), *leaves), fast_mode=True)


def test_gradients_of_the_locally_connected_layer_against_finite_differences():
    shape = SHAPES["depthwise"]
    layer = randomised(LocallyConnected2d(*shape.arguments, dtype=torch.float64, **shape.options))

    def call(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    leaves = [tensor.detach().requires_grad_() for tensor in (layer.weight, layer.bias)]
    assert torch.autograd.gradcheck(call, (shape.images(1).requires_grad_(), *leaves), fast_mode=True)
