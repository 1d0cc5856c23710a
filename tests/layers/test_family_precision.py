"""The battery, part two: every member of the family in the precisions that networks are trained in."""

import pytest
import torch
from layer_family import FOLDABLE, GROUPED, as_one_vector, each_member, of_kind, output_and_gradients
from layer_oracles import randomised

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LowRankLocallyConnected2d, TiedBanksConv2d, WideConv2d, blockwise


@pytest.mark.parametrize("weights", ["row+column", "full"])
@pytest.mark.parametrize("budget", [1, 2**40], ids=["in place", "gathered"])
def test_both_paths_in_single_precision(weights, budget, monkeypatch):
    """Each within 1e-5 of the exact output and gradients, measured by the largest of their numbers."""
    monkeypatch.setattr(blockwise, "_CACHE_BYTES", budget)
    exact = randomised(
        LowRankLocallyConnected2d(16, 16, 3, 9, 8, padding=1, weights=weights, computation="bank").double()
    )
    x = torch.randn(8, 16, 9, 9)
    for path in ("bank", "kernel"):
        layer = LowRankLocallyConnected2d(16, 16, 3, 9, 8, padding=1, weights=weights, computation=path)
        layer.load_state_dict(exact.state_dict())
        exact.load_state_dict(layer.state_dict())  # the numbers that float32 has
        expected = output_and_gradients(exact, x.double())
        for actual, wanted in zip(output_and_gradients(layer, x), expected, strict=True):
            assert (actual - wanted).abs().max() < 1e-5 * wanted.abs().max()


# Low precision: a result passes about eight roundings of relative size u (weights, normalisation, kernels,
# products of the bank path and their partial sums, output; the sums inside a matrix product are exact enough).
# Their signs are independent, so that they add up like the terms themselves: an error of sqrt(8)*u of the
# length of the result. Tolerated is 4*u. The gradient is taken as one vector of all that is differentiated: a
# single part of it, such as that of three softmax weights, may be a small difference of large numbers.
# The layers are a little away from their start: a network of random normal weights would be ill-conditioned
# itself. Those that hold one with kinks, where a rounding may flip a ReLU, are given 16*u.
UNIT = {torch.bfloat16: 2**-8, torch.float16: 2**-11}


def assert_close_in_length(layer, actual, expected, unit):
    error = (actual.double() - expected.double()).norm() / expected.double().norm()
    has_network = isinstance(layer, WideConv2d) or getattr(layer, "weight_net", None) is not None
    assert error < (16 if has_network else 4) * unit


def _near_its_start(member, dtype):
    layer = member.make(member.shape(GROUPED), dtype=dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) / 5)
    return layer


@each_member
def test_bfloat16_against_single_precision(member):
    low = _near_its_start(member, torch.bfloat16)
    x = GROUPED.images(8, torch.bfloat16)
    exact = member.layer(GROUPED, dtype=torch.float32)
    exact.load_state_dict(low.state_dict())
    y, *actual = output_and_gradients(low, x)
    other, *expected = output_and_gradients(exact, x.float())
    assert {tensor.dtype for tensor in (y, *actual)} == {torch.bfloat16}
    assert_close_in_length(low, y, other, UNIT[torch.bfloat16])
    assert_close_in_length(low, as_one_vector(actual), as_one_vector(expected), UNIT[torch.bfloat16])


@pytest.mark.parametrize("dtype", UNIT, ids=str)
@each_member
def test_autocast_has_the_precision_of_a_convolution(member, dtype):
    layer, x = _near_its_start(member, torch.float32), GROUPED.images(8, torch.float32)
    other, *expected = output_and_gradients(layer, x)
    with torch.autocast("cpu", dtype):
        y, *actual = output_and_gradients(layer, x)
        assert y.dtype == GROUPED.conv(dtype=torch.float32)(x).dtype == dtype
    assert {gradient.dtype for gradient in actual} == {torch.float32}
    assert_close_in_length(layer, y, other, UNIT[dtype])
    assert_close_in_length(layer, as_one_vector(actual), as_one_vector(expected), UNIT[dtype])


@each_member
def test_an_input_of_another_dtype_is_refused_in_the_same_words(member):
    layer, x = member.layer(GROUPED, dtype=torch.float32), GROUPED.images()
    for image, other in ((x, "float64"), (x[0], "float64"), (x.half(), "float16"), (x.byte(), "uint8")):
        words = f"this layer has torch.float32 parameters, but the input is torch.{other}"
        with pytest.raises(InputError, match=words):
            layer(image)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x.half()).dtype == torch.bfloat16
        with pytest.raises(InputError, match=r"but the input is torch\.float64"):
            layer(x)


@of_kind(*FOLDABLE)
def test_kernels_are_mixed_in_single_precision_under_autocast(member):
    layer = member.layer(GROUPED, dtype=torch.float32)
    mixed = layer.kernel if isinstance(layer, TiedBanksConv2d) else layer.kernels
    expected, state = mixed(), layer.fold().state_dict()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(mixed(), expected)
        folded = layer.fold().state_dict()
    assert all(torch.equal(folded[name], tensor) for name, tensor in state.items())


@each_member
def test_second_derivatives_outside_the_autocast_of_the_forward_pass(member):
    layer, x = _near_its_start(member, torch.float32), GROUPED.images(2, torch.float32).requires_grad_()

    def penalty(y):
        (slope,) = torch.autograd.grad(y.float().square().sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), x)[0]

    with torch.autocast("cpu", torch.bfloat16):
        low = layer(x)
    # Three passes, each with the error of one.
    assert_close_in_length(layer, penalty(low), penalty(layer(x)), 3 * UNIT[torch.bfloat16])
