"""The battery, part one: what every member of the family computes, with its gradients.

Where each property of a low-rank locally connected layer is tested. Those that the reference implementation
checks:

* shapes, and combining weights that sum to 1 (softmax) or have length 1 (norm): ``test_layer_laws.py``;
* factored equals full with the sums of its parts; an LRLC layer equals the LC layer that has its kernels, with
  biases that are not zero: ``test_layer_laws.py``;
* with weights from the input, the same for each image: ``test_input_weights.py``;
* banks of different geometry, which the reference only runs: here, and ``test_different_banks.py``;
* networks of relaxed layers: ``tests/relax``.

Those that nobody checks:

* gradients against loops, and against finite differences, twice: here;
* mixed precision: ``test_family_precision.py``;
* stride, dilation, padding, odd and even sizes against loops; bank path equal to kernel path: here;
* a fresh layer is a convolution; rank 1 under softmax has no gradient of weights; variance of the initial
  kernel: ``test_layer_start.py``, ``test_layer_laws.py``; of the initial output: ``test_layer_laws.py``;
* parameters by the formula: here; as many as the control that matches them: ``test_controls.py``;
* state dict, copies, dtype, memory format, threads: ``test_family_contracts.py``;
* compilers, exporters, function transforms: ``test_family_programs.py``;
* more than one image with weights from the input, small maps without some dilations: ``test_input_weights.py``;
* redundancies (what moves between parts that are summed changes nothing), affine and linear rank of the
  kernels, the cap that softmax lifts: ``test_layer_laws.py``;
* messages: ``test_layer_contract.py``, ``test_geometry.py``;
* what weight decay pulls: ``test_weight_decay.py``;
* folding, and how a layer is computed: ``test_folding.py``, ``test_tuning.py``.

One property of the reference is not kept: there, with weights for rows only, the width of the maps may be unknown
when the layer is made, and the height with weights for columns only. Here a layer knows the size of its input, which
`Geometry` and the messages about other sizes rest on (``test_layer_contract.py``).
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_family import (
    FAMILY,
    GROUPED,
    SMALL,
    each_member,
    geometry_of,
    gradients,
    naive_output,
    output_and_gradients,
    probe_for,
)
from layer_oracles import EVEN_SAME, SHAPES, assert_equal_maps, randomised, shapes

from lrlc_nas.layers import LowRankLocallyConnected2d, blockwise
from lrlc_nas.layers.combining import NORMALIZATIONS, PARTS
from lrlc_nas.layers.input_weights import NETWORKS

pytestmark = pytest.mark.filterwarnings(EVEN_SAME)

IN_PLACE, GATHERED = 1, 2**40
"""Budgets of a block, in bytes: a row of positions at a time is read in place, several are gathered."""

each_block = pytest.mark.parametrize("budget", [IN_PLACE, GATHERED], ids=["in place", "gathered"])
each_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


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
        "weights": draw(st.sampled_from([weights for weights in PARTS if weights not in NETWORKS])),
        "normalize": draw(st.sampled_from(NORMALIZATIONS)),
    }


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(shapes(), _mixtures(), st.sampled_from([IN_PLACE, 1500, 6000, GATHERED]), st.booleans())
def test_any_shape_by_banks_and_by_position_at_any_budget(shape, mixture, budget, channels_last):
    """Rank 17 is above the number of positions of most of these shapes."""
    layer = randomised(LowRankLocallyConnected2d(*shape.arguments, **mixture, **shape.options, dtype=torch.float64))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = shape.images().to(memory_format=layout).requires_grad_()
    leaves = [x, *layer.parameters()]
    layer.computation = "bank"
    y = layer(x)
    probe = torch.randn_like(y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blockwise, "_CACHE_BYTES", budget)
        layer.computation = "kernel"
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


# Derivatives


def as_function(layer):
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x,))

    return call, [parameter.detach().requires_grad_() for parameter in parameters]


@pytest.mark.parametrize(
    ("member", "budget"),
    [
        pytest.param(member, budget, id=f"{name} {form}")
        for name, member in FAMILY.items()
        for form, budget in (("in place", IN_PLACE), ("gathered", GATHERED))
        if form == "in place" or name == "lc" or "kernel" in name  # what is computed block by block
    ],
)
def test_first_and_second_derivatives_against_finite_differences(member, budget, monkeypatch):
    monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
    for shape in (SHAPES["plain"], SHAPES["groups"]):
        call, leaves = as_function(member.layer(shape))
        inputs = (shape.images(1).requires_grad_(), *leaves)
        assert torch.autograd.gradcheck(call, inputs, fast_mode=True)
        assert torch.autograd.gradgradcheck(call, inputs, fast_mode=True)


@each_member
def test_only_what_needs_a_gradient_gets_one(member):
    layer, x = member.layer(GROUPED), GROUPED.images()
    full = output_and_gradients(layer, x)[1:]
    parameters = list(layer.parameters())
    for wanted in ([0], list(range(1, len(full))), [1], [len(full) - 2, 0]):
        leaves = [x.clone(), *parameters]
        for index, leaf in enumerate(leaves):
            leaf.requires_grad_(index in wanted)
        y = layer(leaves[0])
        (y * probe_for(y)).sum().backward()
        for index, leaf in enumerate(leaves):
            if index in wanted:
                assert_equal_maps(leaf.grad, full[index])
            else:
                assert leaf.grad is None
            leaf.grad = None
    for parameter in parameters:
        parameter.requires_grad_(False)
    assert not layer(x).requires_grad


# Size


@each_member
def test_the_parameters_are_those_of_the_formula(member):
    for shape in (GROUPED, SHAPES["stride"]):
        layer = member.make(member.shape(shape))
        geometry = geometry_of(member.shape(shape))
        assert sum(parameter.numel() for parameter in layer.parameters()) == member.parameters(geometry)
