"""Sizes, and what is no geometry."""

import pytest
import torch
from hypothesis import given, settings
from layer_oracles import EVEN_SAME, shapes

from lrlc_nas.errors import InputError
from lrlc_nas.layers import Geometry


@pytest.mark.filterwarnings(EVEN_SAME)
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(shapes())
def test_sizes_are_those_of_a_convolution(shape):
    conv = shape.conv()
    geometry = Geometry.of_conv(conv, shape.input_size)
    assert geometry == Geometry.of(*shape.arguments, **shape.options)
    assert geometry.output_size == tuple(conv(shape.images(1)).shape[-2:])
    assert geometry.pads == tuple(conv._reversed_padding_repeated_twice)
    assert geometry.kernel_shape == tuple(conv.weight.shape)
    assert geometry.fan_in == conv.weight[0].numel()


def test_an_integer_stands_for_two():
    assert Geometry.of(2, 3, 3, 8, stride=2, padding=1) == Geometry.of(
        2, 3, (3, 3), (8, 8), stride=(2, 2), padding=(1, 1)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 0}, "in_channels must be at least 1, but is 0"),
        ({"kernel_size": (3, 0)}, r"kernel_size must be at least 1, but is \(3, 0\)"),
        ({"stride": 0}, r"stride must be at least 1, but is \(0, 0\)"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size must be an integer or a pair of integers, but is \(3, 3, 3\)"),
        ({"input_size": 8.0}, "input_size must be an integer or a pair of integers, but is 8.0"),
        ({"groups": 3}, r"in_channels \(=4\) must be divisible by groups \(=3\)"),
        ({"groups": 4}, r"out_channels \(=6\) must be divisible by groups \(=4\)"),
        ({"padding": "half"}, "padding must be integers, 'same' or 'valid', but is 'half'"),
        ({"padding": -1}, r"padding must be at least 0, but is \(-1, -1\)"),
        ({"padding": "same", "stride": 2}, r"padding='same' requires stride 1, but stride is \(2, 2\)"),
        ({"padding_mode": "wrap"}, "padding_mode must be one of zeros, reflect, replicate, circular, but is 'wrap'"),
        ({"padding_mode": "reflect", "padding": 8}, r"'reflect' cannot pad \(8, 8\) maps by padding=\(8, 8\)"),
        ({"padding_mode": "circular", "padding": 9}, r"'circular' cannot pad \(8, 8\) maps by padding=\(9, 9\)"),
        ({"kernel_size": 9}, r"input_size=\(8, 8\) with kernel_size=\(9, 9\).*leaves no output position"),
    ],
)
def test_what_is_no_geometry_is_named(options, message):
    arguments = {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "input_size": 8} | options
    with pytest.raises(InputError, match=message):
        Geometry.of(**arguments)


@pytest.mark.parametrize(("mode", "most"), [("reflect", 7), ("circular", 8)])
def test_the_largest_padding_that_torch_takes_is_taken(mode, most):
    Geometry.of(1, 1, 3, 8, padding=most, padding_mode=mode)
    conv = torch.nn.Conv2d(1, 1, 3, padding=most, padding_mode=mode)
    assert conv(torch.zeros(1, 1, 8, 8)).shape[-1] == 6 + 2 * most
