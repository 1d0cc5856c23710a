"""Banks that differ in kernel size and dilation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_oracles import assert_equal_maps, naive_locally_connected, randomised
from torch.utils.flop_counter import FlopCounterMode

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.layers.combining import NORMALIZATIONS, PARTS
from lrlc_nas.layers.input_weights import NETWORKS

FIXED = tuple(weights for weights in PARTS if weights not in NETWORKS)
SIZES, DILATIONS = [(3, 3), (2, 4), 1, (1, 2)], [1, 1, (3, 2), (1, 2)]
PAIRS = [(3, 3), (2, 4), (1, 1), (1, 2)], [(1, 1), (1, 1), (3, 2), (1, 2)]
FRAME = (3, 4)


def make(weights="row+column", normalize="softmax", *, channels=(2, 3), input_size=(5, 6), **options):
    options = {"kernel_size": SIZES, "dilation": DILATIONS, "dtype": torch.float64} | options
    layer = LowRankLocallyConnected2d(
        *channels,
        input_size=input_size,
        rank=len(SIZES),
        padding="same",
        weights=weights,
        normalize=normalize,
        **options,
    )
    return randomised(layer)


def convolved(layer, x):
    """What each bank gives by itself: K tensors (B, F, Y, X), by loops."""
    options = {"stride": (1, 1), "padding": "same", "groups": layer.geometry.groups}
    options |= {"padding_mode": layer.geometry.padding_mode}
    size, filters = layer.geometry.input_size, layer.geometry.out_channels
    nothing = torch.zeros(filters, *size, dtype=x.dtype)
    return [
        naive_locally_connected(x, bank.expand(*size, *bank.shape), nothing, dilation=own.dilation, **options)
        for bank, own in zip(layer.banks, layer.bank_geometries, strict=True)
    ]


def bias_map(layer):
    """(F, Y, X)."""
    position = layer.position_bias_map()
    return layer.bias[:, None, None] + (0 if position is None else position)


def expected_output(layer, x):
    combining = layer.combining_weights(x).expand(len(x), *layer.geometry.output_size, layer.rank)
    mixed = sum(combining[..., k].unsqueeze(1) * y for k, y in enumerate(convolved(layer, x)))
    return mixed + bias_map(layer)


OPTIONS = {
    "plain": {},
    "groups": {"channels": (4, 6), "groups": 2},
    "depthwise": {"channels": (3, 6), "groups": 3},
    "reflect": {"padding_mode": "reflect"},
    "replicate": {"padding_mode": "replicate"},
    "circular": {"padding_mode": "circular"},
    "sizes alone": {"dilation": (1, 2)},
    "dilations alone": {"kernel_size": (2, 3), "dilation": [1, 2, (1, 2), (2, 1)]},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("weights", PARTS)
def test_the_layer_against_loops(weights, options):
    layer = make(weights, **options)
    x = torch.randn(2, layer.geometry.in_channels, 5, 6, dtype=torch.float64)
    assert_equal_maps(layer(x), expected_output(layer, x))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("weights", FIXED)
def test_both_paths_mean_the_same_with_their_gradients(weights, options):
    layer = make(weights, **options)
    x = torch.randn(2, layer.geometry.in_channels, 5, 6, dtype=torch.float64, requires_grad=True)
    leaves = [x, *layer.parameters()]
    y = layer(x)
    probe = torch.randn_like(y)
    gradients = torch.autograd.grad((y * probe).sum(), leaves)
    layer.computation = "kernel"
    other = layer(x)
    assert_equal_maps(other, y)
    for actual, expected in zip(torch.autograd.grad((other * probe).sum(), leaves), gradients, strict=True):
        assert_equal_maps(actual, expected)


extents = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(extents, extents), min_size=1, max_size=4), st.sampled_from(NORMALIZATIONS))
def test_any_mixture_of_geometries_on_both_paths_and_as_a_locally_connected_layer(banks, normalize):
    sizes, dilations = (list(values) for values in zip(*banks, strict=True))
    layer = randomised(
        LowRankLocallyConnected2d(
            2, 2, sizes, (4, 3), len(banks), dilation=dilations, padding="same", normalize=normalize,
            dtype=torch.float64,
        )
    )  # fmt: skip
    x = torch.randn(1, 2, 4, 3, dtype=torch.float64)
    y = expected_output(layer, x)
    assert_equal_maps(layer(x), y)
    layer.computation = "kernel"
    assert_equal_maps(layer(x), y)
    assert_equal_maps(as_locally_connected(layer, layer.kernels())(x), y)


def as_locally_connected(layer, kernels):
    geometry = layer.geometry
    local = LocallyConnected2d(
        geometry.in_channels,
        geometry.out_channels,
        geometry.kernel_size,
        geometry.input_size,
        padding="same",
        groups=geometry.groups,
        padding_mode=geometry.padding_mode,
        dtype=torch.float64,
    )
    local.load_state_dict({"weight": kernels, "bias": bias_map(layer)})
    return local


def test_with_weights_from_the_input_each_image_has_the_locally_connected_layer_of_its_own_kernels():
    layer, x = make("input", channels=(4, 6), groups=2), torch.randn(3, 4, 5, 6, dtype=torch.float64)
    for image, kernels, y in zip(x, layer.kernels(x), layer(x), strict=True):
        assert_equal_maps(as_locally_connected(layer, kernels)(image), y)


def test_a_bank_in_the_frame_is_the_bank_between_zeros():
    layer = make()
    stacked = layer.stacked_banks()
    assert layer.geometry.kernel_size == FRAME
    assert layer.geometry.dilation == (1, 1)
    assert stacked.shape == (4, 3, 2, *FRAME)
    taps = [
        (slice(0, 3), slice(0, 3)),
        (slice(1, 3), slice(0, 4)),  # two rows: the odd one lies below the centre
        (slice(1, 2), slice(1, 2)),
        (slice(1, 2), slice(0, 3, 2)),
    ]
    for kernel, bank, (rows, columns) in zip(stacked, layer.banks, taps, strict=True):
        assert torch.equal(kernel[..., rows, columns], bank)
        assert kernel.count_nonzero() == bank.numel()


def test_equal_entries_are_the_layer_of_one_geometry():
    different = make(kernel_size=[3, (3, 3), 3, 3], dilation=2, input_size=(6, 6))
    shared = make(kernel_size=3, dilation=2, input_size=(6, 6))
    state = different.state_dict()
    banks = torch.stack([state.pop(f"banks.{k}") for k in range(4)])
    shared.load_state_dict(state | {"banks": banks})
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    assert_equal_maps(different(x), shared(x))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_a_fresh_layer_is_a_sum_of_convolutions(normalize):
    layer = LowRankLocallyConnected2d(
        2, 3, [3, (2, 3)], 6, 2, dilation=[1, 2], padding="same", normalize=normalize, dtype=torch.float64
    )
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64)
    share = 1 / 2 if normalize == "softmax" else 1 / math.sqrt(2)
    assert_equal_maps(layer(x), share * sum(convolved(layer, x)))


def test_banks_are_he_uniform_each_in_its_own_fan_in():
    layer = LowRankLocallyConnected2d(32, 64, [3, 1, (5, 3)], 8, 3, padding="same", groups=2)
    for bank, taps in zip(layer.banks, (9, 1, 15), strict=True):
        bound = math.sqrt(6 / (taps * 16))
        assert bank.abs().max() <= bound
        assert bank.abs().max() > 0.95 * bound


def test_names_and_shapes_and_representation():
    layer = make(device="meta")
    shapes = {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items() if "banks" in name}
    assert shapes == {f"banks.{k}": (3, 2, *size) for k, size in enumerate(PAIRS[0])}
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float64)}
    assert [own.dilation for own in layer.bank_geometries] == PAIRS[1]
    assert "bank_sizes=[(3, 3), (2, 4), (1, 1), (1, 2)], bank_dilations=[(1, 1)" in repr(layer)
    shared = make(kernel_size=3, dilation=1)
    assert shared.bank_geometries is None
    assert "bank_sizes" not in repr(shared)


def test_the_bank_path_spends_no_multiplication_on_zeros():
    layer = make(channels=(2, 3), dtype=torch.float32)
    counter = FlopCounterMode(display=False)
    with counter:
        layer(torch.randn(1, 2, 5, 6))
    taps = sum(rows * columns for rows, columns in PAIRS[0])
    assert counter.get_total_flops() == 2 * taps * 2 * 3 * 5 * 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": 1}, r"require padding='same', but padding is \(1, 1\)"),
        ({"padding": "valid"}, "require padding='same', but padding is 'valid'"),
        ({"stride": 2}, r"padding='same' requires stride 1, but stride is \(2, 2\)"),
        ({"kernel_size": [3, 3, 3]}, r"kernel_size as a list .* so 2, but has 3: \[3, 3, 3\]; write \(rows"),
        ({"dilation": []}, r"dilation as a list has one entry for each bank, so 2, but has 0: \[\]"),
        ({"kernel_size": [3, (3, 0)]}, r"bank 1: kernel_size must be at least 1, but is \(3, 0\)"),
        ({"kernel_size": [3, "3"]}, "bank 1: kernel_size must be an integer or a pair of integers"),
        ({"dilation": [9, 1], "padding_mode": "reflect"}, r"bank 0: padding_mode='reflect' cannot pad \(6, 6\)"),
        ({"rank": 0}, "rank must be at least 1, but is 0"),
    ],
)
def test_what_is_no_list_of_geometries(options, message):
    arguments = {"kernel_size": [3, 2], "input_size": 6, "rank": 2, "padding": "same"} | options
    with pytest.raises(InputError, match=message):
        LowRankLocallyConnected2d(2, 3, **arguments)
