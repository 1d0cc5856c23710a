"""How the layers start: as a convolution."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_oracles import EVEN_SAME, SHAPES, assert_equal_maps, shapes
from torch import nn
from torch.nn.utils import prune

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d

WEIGHTS = ("row+column", "rows", "columns", "full")
NORMALIZATIONS = ("softmax", "norm", "none")
INITIAL_SUM = {"softmax": lambda rank: 1.0, "norm": math.sqrt, "none": math.sqrt}


@pytest.mark.parametrize("rank", [1, 2, 5])
@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_a_fresh_layer_is_a_convolution_with_the_scaled_mean_bank(weights, normalize, rank):
    shape = SHAPES["stride"]
    layer = LowRankLocallyConnected2d(
        *shape.arguments, rank, weights=weights, normalize=normalize, dtype=torch.float64, **shape.options
    )
    conv, x = shape.conv(bias=False), shape.images()
    conv.load_state_dict({"weight": layer.banks.mean(0) * INITIAL_SUM[normalize](rank)})
    assert_equal_maps(layer(x), conv(x))


@pytest.mark.parametrize(("weights", "parts"), [("row+column", 2), ("rows", 1), ("columns", 1), ("full", 1)])
def test_initial_combining_weights_are_those_of_the_reference(weights, parts):
    layer = LowRankLocallyConnected2d(2, 3, 3, 6, 4, weights=weights)
    for name, parameter in layer.named_parameters():
        if name.endswith("_weights"):
            assert parameter.eq(1 / (parts * math.sqrt(4))).all(), name
        elif name.endswith("bias"):
            assert parameter.eq(0).all(), name


@pytest.mark.parametrize("rank", [1, 2, 4, 8])
def test_variance_of_the_initial_kernel_falls_with_the_rank_under_softmax_alone(rank):
    def variance(normalize):
        layer = LowRankLocallyConnected2d(16, 64, 3, 3, rank, normalize=normalize)
        return layer.kernels()[0, 0].var().item()

    he = 2 / (9 * 16)
    # 9216 draws: the standard error of a variance is 1.5 %.
    assert variance("softmax") == pytest.approx(he / rank, rel=0.06)
    assert variance("norm") == pytest.approx(he, rel=0.06)
    assert variance("none") == pytest.approx(he, rel=0.06)


@pytest.mark.parametrize("groups", [1, 4])
def test_banks_are_he_uniform_in_the_fan_in_of_one_bank(groups):
    bound = math.sqrt(6 / (9 * 16 / groups))
    for tensor in (
        LowRankLocallyConnected2d(16, 16, 3, 6, 5, groups=groups).banks,
        LocallyConnected2d(16, 16, 3, 6, groups=groups).weight,
    ):
        assert tensor.abs().max() <= bound
        assert tensor.abs().max() > 0.99 * bound
        assert tensor.var().item() == pytest.approx(2 / (9 * 16 / groups), rel=0.06)


@pytest.mark.filterwarnings(EVEN_SAME)
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(shapes(), st.integers(1, 4), st.sampled_from(NORMALIZATIONS), st.sampled_from(WEIGHTS), st.booleans())
def test_from_conv_computes_what_the_convolution_computes(shape, rank, normalize, weights, bias):
    conv, x = shape.conv(bias=bias), shape.images()
    layer = LowRankLocallyConnected2d.from_conv(conv, shape.input_size, rank, normalize=normalize, weights=weights)
    assert_equal_maps(layer(x), conv(x))
    layer.computation = "kernel"
    assert_equal_maps(layer(x), conv(x))
    assert_equal_maps(LocallyConnected2d.from_conv(conv, shape.input_size)(x), conv(x))


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
def test_banks_from_a_convolution_differ_by_the_spread_of_its_kernel(normalize):
    conv = nn.Conv2d(32, 32, 3)
    layer = LowRankLocallyConnected2d.from_conv(conv, 8, 4, normalize=normalize)
    spread = (layer.banks * INITIAL_SUM[normalize](4)).std(0).mean().item()
    # The mean of the sample deviation of 4 normal draws is 0.92 of the true one.
    assert spread == pytest.approx(0.9213 * conv.weight.std().item(), rel=0.03)


def test_banks_that_differ_learn_to_differ_and_equal_ones_never_would():
    def gradients(layer):
        layer(torch.randn(2, 3, 6, 6)).square().sum().backward()
        return layer.row_weights.grad

    conv = nn.Conv2d(3, 4, 3)
    layer = LowRankLocallyConnected2d.from_conv(conv, 6, 3)
    assert gradients(layer).abs().max() > 1e-3
    equal = LowRankLocallyConnected2d.from_conv(conv, 6, 3)
    with torch.no_grad():
        equal.banks.copy_(conv.weight.expand_as(equal.banks))
    assert gradients(equal).abs().max() < 1e-5


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_constant_kernel_gives_banks_that_differ_too(value):
    conv = nn.Conv2d(2, 3, 3, dtype=torch.float64)
    nn.init.constant_(conv.weight, value)
    layer = LowRankLocallyConnected2d.from_conv(conv, 6, 2)
    assert (layer.banks[0] - layer.banks[1]).std() > 0.1
    assert_equal_maps(layer.banks.mean(0), conv.weight.detach())


def test_from_conv_draws_from_the_global_generator_and_the_locally_connected_layer_draws_nothing():
    conv = nn.Conv2d(2, 3, 3)

    def banks():
        return LowRankLocallyConnected2d.from_conv(conv, 6, 2).banks

    torch.manual_seed(5)
    first, second = banks(), banks()
    torch.manual_seed(5)
    assert torch.equal(banks(), first)
    assert not torch.equal(first, second)
    before = torch.get_rng_state()
    LocallyConnected2d.from_conv(conv, 6)
    assert torch.equal(torch.get_rng_state(), before)


def test_from_conv_takes_over_dtype_device_mode_and_bias():
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        for bias in (True, False):
            conv = nn.Conv2d(2, 3, 3, bias=bias, dtype=dtype).eval()
            for layer in (LowRankLocallyConnected2d.from_conv(conv, 6, 2), LocallyConnected2d.from_conv(conv, 6)):
                assert {parameter.dtype for parameter in layer.parameters()} == {dtype}
                assert (layer.bias is not None) == bias
                assert not layer.training
    on_meta = LowRankLocallyConnected2d.from_conv(nn.Conv2d(2, 3, 3, device="meta"), 6, 2)
    assert {parameter.device.type for parameter in on_meta.parameters()} == {"meta"}


def test_a_locally_connected_layer_may_add_a_bias_but_not_lose_one():
    conv = nn.Conv2d(2, 3, 3, bias=False, dtype=torch.float64)
    layer, x = LocallyConnected2d.from_conv(conv, 6, bias=True), torch.randn(1, 2, 6, 6, dtype=torch.float64)
    assert layer.bias.shape == (3, 4, 4)
    assert_equal_maps(layer(x), conv(x))
    with pytest.raises(InputError, match="so a layer that computes the same needs one: bias is False"):
        LocallyConnected2d.from_conv(nn.Conv2d(2, 3, 3), 6, bias=False)


def with_hook():
    conv = nn.Conv2d(2, 3, 3)
    conv.register_forward_hook(lambda module, args, output: output * 2)
    return conv


def with_patch():
    conv = nn.Conv2d(2, 3, 3)
    conv.forward = lambda x: x
    return conv


class Doubled(nn.Conv2d):
    def _conv_forward(self, input, weight, bias):
        return 2 * super()._conv_forward(input, weight, bias)


class Renamed(nn.Conv2d):
    """A subclass that changes nothing."""


REFUSED = {
    "transposed": (lambda: nn.ConvTranspose2d(2, 3, 3), "ConvTranspose2d is not a Conv2d"),
    "one-dimensional": (lambda: nn.Conv1d(2, 3, 3), "Conv1d is not a Conv2d"),
    "linear": (lambda: nn.Linear(2, 3), "Linear is not a Conv2d"),
    "lazy": (lambda: nn.LazyConv2d(3, 3), "LazyConv2d has no weights yet; run the host on an image first"),
    "weight norm": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Conv2d(2, 3, 3)),
        r"its weights are computed from bias, parametrizations \(parametrized, weight norm or pruned\)",
    ),
    "pruned": (
        lambda: prune.l1_unstructured(nn.Conv2d(2, 3, 3), "weight", 0.5),
        "its weights are computed from bias, weight_mask, weight_orig",
    ),
    "subclass": (lambda: Doubled(2, 3, 3), "Doubled overrides _conv_forward"),
    "patched": (with_patch, "Conv2d overrides forward"),
    "hooked": (with_hook, "it has forward or backward hooks"),
    "complex": (lambda: nn.Conv2d(2, 3, 3, dtype=torch.complex64), "its weights are torch.complex64"),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_from_conv_refuses_what_it_cannot_compute_exactly(make, reason):
    module = make()
    with pytest.raises(InputError, match=f"from_conv requires a plain Conv2d: {reason}"):
        LowRankLocallyConnected2d.from_conv(module, 6, 2)
    with pytest.raises(InputError, match=f"from_conv requires a plain Conv2d: {reason}"):
        LocallyConnected2d.from_conv(module, 6)


def test_a_subclass_that_computes_a_convolution_is_accepted():
    conv, x = Renamed(2, 3, 3), torch.randn(1, 2, 6, 6)
    assert_equal_maps(LocallyConnected2d.from_conv(conv, 6)(x), conv(x), tolerance=1e-5)
