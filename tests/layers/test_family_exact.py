"""The battery, part one: what every member of the family computes, with its gradients.

Where each property of a low-rank locally connected layer is tested. Those that the reference implementation
checks:

* shapes, and combining weights that sum to 1 (softmax) or have length 1 (norm): `test_combining_weights`;
* factored equals full with the sums of its parts; an LRLC layer equals the LC layer that has its kernels, with
  biases that are not zero: ``test_layer_laws.py``;
* with weights from the input, the same for each image: ``test_input_weights.py``;
* banks of different geometry, which the reference only runs: here, and ``test_different_banks.py``;
* networks of relaxed layers: ``tests/relax``.

Those that nobody checks:

* gradients against loops, and against finite differences, twice; mixed precision: here;
* stride, dilation, padding, odd and even sizes against loops; bank path equal to kernel path: here;
* a fresh layer is a convolution; rank 1 under softmax has no gradient of weights; variance of the initial
  kernel: ``test_layer_start.py``, ``test_layer_laws.py``; of the initial output: `test_variance_...` here;
* parameters by the formula: here; as many as the control that matches them: ``test_controls.py``;
* state dict, copies, dtype, memory format, threads: ``test_family_contracts.py``;
* compilers, exporters, function transforms: ``test_family_programs.py``;
* more than one image with weights from the input, small maps without some dilations: ``test_input_weights.py``;
* redundancies (what moves between parts that are summed changes nothing), affine and linear rank of the
  kernels, the cap that softmax lifts: `test_what_moves_...` and `test_the_kernels_...` here;
* messages: ``test_layer_contract.py``, ``test_geometry.py``.
"""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_family import (
    FAMILY,
    GROUPED,
    RANK,
    SMALL,
    each_member,
    geometry_of,
    naive_output,
)
from layer_oracles import EVEN_SAME, SHAPES, assert_equal_maps, randomised, shapes

from lrlc_nas.layers import LowRankLocallyConnected2d, blockwise
from lrlc_nas.layers.combining import NORMALIZATIONS, PARTS


pytestmark = pytest.mark.filterwarnings(EVEN_SAME)

IN_PLACE, GATHERED = 1, 2**40
"""Budgets of a block, in bytes: a row of positions at a time is read in place, several are gathered."""

each_block = pytest.mark.parametrize("budget", [IN_PLACE, GATHERED], ids=["in place", "gathered"])
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def gradients(y, leaves, probe):
    return torch.autograd.grad((y * probe).sum(), leaves, allow_unused=True)


def assert_equal_gradients(actual, expected, tolerance=1e-10):
    for one, other in zip(actual, expected, strict=True):
        assert_equal_maps(one, other, tolerance)


# Against loops


@each_member
@each_shape
def test_every_layer_is_a_loop(member, shape):
    layer, x = member.layer(shape), shape.images()
    with torch.no_grad():
        assert_equal_maps(layer(x), naive_output(layer, x))


@pytest.mark.parametrize("bias", [True, False])
@each_member
def test_its_gradients_are_those_of_the_loop(member, bias):
    layer, x = member.layer(SMALL, bias=bias), SMALL.images().requires_grad_()
    leaves = [x, *layer.parameters()]
    y, expected = layer(x), naive_output(layer, x)
    probe = torch.randn_like(y)
    assert_equal_gradients(gradients(y, leaves, probe), gradients(expected, leaves, probe))


# The ways to compute the same


@st.composite
def _mixtures(draw):
    return {
        "rank": draw(st.sampled_from([1, 2, 3, 17])),
        "weights": draw(st.sampled_from([weights for weights in PARTS if weights != "input"])),
        "normalize": draw(st.sampled_from(NORMALIZATIONS)),
    }


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(shapes(), _mixtures(), st.sampled_from([IN_PLACE, 1500, 6000, GATHERED]), st.booleans())
def test_any_shape_by_banks_and_by_position_at_any_budget(shape, mixture, budget, channels_last):
    """Rank 17 is above the number of positions of most of these shapes."""
    layer = randomised(
        LowRankLocallyConnected2d(*shape.arguments, **mixture, **shape.options, dtype=torch.float64)
    )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = shape.images().to(memory_format=layout).requires_grad_()
    leaves = [x, *layer.parameters()]
    layer.path = "bank"
    y = layer(x)
    probe = torch.randn_like(y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blockwise, "_CACHE_BYTES", budget)
        layer.path = "kernel"
        other = layer(x)
        assert_equal_maps(other, y)
        assert_equal_gradients(gradients(other, leaves, probe), gradients(y, leaves, probe))


@each_block
@each_shape
def test_a_locally_connected_layer_at_any_budget(shape, budget, monkeypatch):
    monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
    layer, x = FAMILY["lc"].layer(shape), shape.images().requires_grad_()
    leaves = [x, *layer.parameters()]
    y, expected = layer(x), naive_output(layer, x)
    probe = torch.randn_like(y)
    assert_equal_maps(y, expected)
    assert_equal_gradients(gradients(y, leaves, probe), gradients(expected, leaves, probe))


@pytest.mark.parametrize("shape", [SHAPES["plain"], SHAPES["stride"]], ids=["plain", "stride"])
def test_the_budgets_of_these_tests_make_the_blocks_that_they_are_to_make(shape, monkeypatch):
    """Else the battery would try one form twice."""
    rows, seen = geometry_of(shape).output_size[0], []
    pieces = blockwise._Map.pieces
    monkeypatch.setattr(blockwise._Map, "pieces", lambda self, block: seen.append(block) or pieces(self, block))
    for budget, blocks in ((IN_PLACE, [slice(i, i + 1) for i in range(rows)]), (GATHERED, [slice(0, rows)])):
        seen.clear()
        monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
        FAMILY["row+column softmax kernel"].layer(shape)(shape.images())
        assert seen == blocks


@pytest.mark.parametrize("weights", ["row+column", "full"])
@each_block
def test_both_paths_in_single_precision(weights, budget, monkeypatch):
    """Each within 1e-5 of the exact output and gradients, measured by the largest of their numbers."""
    monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
    exact = randomised(
        LowRankLocallyConnected2d(16, 16, 3, 9, 8, padding=1, weights=weights, path="bank").double()
    )
    x = torch.randn(8, 16, 9, 9)
    expected = _output_and_gradients(exact, x.double())
    for path in ("bank", "kernel"):
        layer = LowRankLocallyConnected2d(16, 16, 3, 9, 8, padding=1, weights=weights, path=path)
        layer.load_state_dict(exact.state_dict())
        exact.load_state_dict(layer.state_dict())  # the numbers that float32 has
        expected = _output_and_gradients(exact, x.double())
        for actual, wanted in zip(_output_and_gradients(layer, x), expected, strict=True):
            assert (actual - wanted).abs().max() < 1e-5 * wanted.abs().max()


# Low precision: a result passes about eight roundings of relative size u (weights, normalisation, kernels,
# products of the bank path and their partial sums, output; the sums inside a matrix product are exact enough).
# Their signs are independent, so that they add up like the terms themselves: an error of sqrt(8)*u of the
# length of the result, and half of that again where rounding is uniform. Tolerated is 4*u.
UNIT = {torch.bfloat16: 2**-8, torch.float16: 2**-11}


def assert_close_in_length(actual, expected, dtype):
    error = (actual.double() - expected.double()).norm() / expected.double().norm()
    print(error / UNIT[dtype])
    assert error < 4 * UNIT[dtype]


def _output_and_gradients(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    return (y.detach(), *gradients(y, [x, *layer.parameters()], _probe(y)))


def _probe(y):
    """The same numbers in every precision."""
    return torch.linspace(-3, 3, y.numel()).sin().bfloat16().to(y.dtype).view(y.shape)


@each_member
def test_bfloat16_against_single_precision(member):
    low = member.layer(GROUPED, dtype=torch.bfloat16)
    x = GROUPED.images(8, torch.bfloat16)
    exact = member.layer(GROUPED, dtype=torch.float32)
    exact.load_state_dict(low.state_dict())
    pairs = zip(_output_and_gradients(low, x), _output_and_gradients(exact, x.float()), strict=True)
    for actual, expected in pairs:
        assert actual.dtype == torch.bfloat16
        assert_close_in_length(actual, expected, torch.bfloat16)


@pytest.mark.parametrize("dtype", UNIT, ids=str)
@each_member
def test_autocast_has_the_precision_of_a_convolution(member, dtype):
    layer, x = member.layer(GROUPED, dtype=torch.float32), GROUPED.images(8, torch.float32)
    expected = _output_and_gradients(layer, x)
    with torch.autocast("cpu", dtype):
        y, *low = _output_and_gradients(layer, x)
        assert y.dtype == GROUPED.conv(dtype=torch.float32)(x).dtype == dtype
    assert {gradient.dtype for gradient in low} == {torch.float32}
    for actual, wanted in zip((y, *low), expected, strict=True):
        assert_close_in_length(actual, wanted, dtype)


# Derivatives


def as_function(layer):
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    return call, [parameter.detach().requires_grad_() for parameter in parameters]


@each_block
@each_member
def test_first_and_second_derivatives_against_finite_differences(member, budget, monkeypatch):
    monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
    for shape in (SHAPES["plain"], SHAPES["groups"]):
        call, leaves = as_function(member.layer(shape))
        inputs = (shape.images(1).requires_grad_(), *leaves)
        assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
        assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


@each_member
def test_second_derivatives_outside_the_autocast_of_the_forward_pass(member):
    layer, x = member.layer(GROUPED, dtype=torch.float32), GROUPED.images(2, torch.float32).requires_grad_()

    def penalty(y):
        (slope,) = torch.autograd.grad(y.float().square().sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0]

    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    # Three passes, each with the error of one.
    exact = penalty(layer(x))
    assert (penalty(low) - exact).norm() < 3 * 4 * UNIT[torch.bfloat16] * exact.norm()


@each_member
def test_only_what_needs_a_gradient_gets_one(member):
    layer, x = member.layer(GROUPED), GROUPED.images()
    full = _output_and_gradients(layer, x)[1:]
    parameters = list(layer.parameters())
    for wanted in ([0], list(range(1, len(full))), [1], [len(full) - 2, 0]):
        leaves = [x.clone(), *parameters]
        for index, leaf in enumerate(leaves):
            leaf.requires_grad_(index in wanted)
        y = layer(leaves[0])
        (y * _probe(y)).sum().backward()
        for index, leaf in enumerate(leaves):
            if index in wanted:
                assert_equal_maps(leaf.grad, full[index])
            else:
                assert leaf.grad is None
            leaf.grad = None
    for parameter in parameters:
        parameter.requires_grad_(False)
    assert not layer(x).requires_grad


# Laws of the parametrisation


@each_member
def test_the_parameters_are_those_of_the_formula(member):
    for shape in (GROUPED, SHAPES["stride"]):
        layer = member.make(member.shape(shape))
        geometry = geometry_of(member.shape(shape))
        assert sum(parameter.numel() for parameter in layer.parameters()) == member.grown(geometry)


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
    rows, columns = layer.geometry.output_size
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
    layer = LowRankLocallyConnected2d(
        4, 4, 3, (6, 7), rank, weights=weights, normalize=normalize, dtype=torch.float64
    )
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
        layer = randomised(
            LowRankLocallyConnected2d(*shape.arguments, 1, normalize=normalize, dtype=torch.float64)
        )
        gain = layer.row_weights[:, None, 0] + layer.column_weights[:, 0]
        expected = gain if normalize == "none" else gain.sign()
        assert_equal_maps(layer.combining_weights()[..., 0], expected)
        slope = torch.autograd.grad(layer(shape.images()).sum(), layer.row_weights)[0]
        assert (slope.abs().max() > 1e-3) == (normalize == "none")
        assert math.isclose(slope.abs().max().item(), 0, abs_tol=1e-9) == (normalize == "norm")
