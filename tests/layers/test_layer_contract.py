"""The names, the texts and the messages of both layers; what all layers are as modules the battery tests."""

import pytest
import torch
from layer_oracles import SHAPES

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d


def low_rank(*args, **options):
    return LowRankLocallyConnected2d(*args, 3, **options)


def low_rank_by_kernels(*args, **options):
    return LowRankLocallyConnected2d(*args, 3, computation="kernel", weights="full", **options)


def low_rank_from_input(*args, **options):
    return LowRankLocallyConnected2d(*args, 3, weights="input", **options)


LAYERS = {
    "locally connected": LocallyConnected2d,
    "bank": low_rank,
    "kernel": low_rank_by_kernels,
    "input": low_rank_from_input,
}
each_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@each_layer
def test_an_input_that_does_not_fit_is_named(make):
    layer = make(2, 3, 3, (6, 7))
    with pytest.raises(InputError, match=r"made for maps of size \(6, 7\), but the input is of size \(7, 6\)"):
        layer(torch.randn(1, 2, 7, 6))
    with pytest.raises(InputError, match="takes 2 in channels, but the input has 3"):
        layer(torch.randn(1, 3, 6, 7))
    with pytest.raises(InputError, match=r"shape \(B, C, H, W\) or \(C, H, W\), but has shape \(6, 7\)"):
        layer(torch.randn(6, 7))


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize(("weights", "places"), [("row+column", 4 + 5), ("rows", 4), ("columns", 5), ("full", 20)])
def test_parameters_of_the_low_rank_layer_are_those_of_the_formula(weights, places, rank):
    shape = SHAPES["groups"]  # 4 -> 6 channels in 2 groups, 5x4 maps padded by one: 5x4 positions
    layer = LowRankLocallyConnected2d(*shape.channels, 3, (4, 5), rank, weights=weights, padding=1, groups=2)
    assert sum(p.numel() for p in layer.parameters()) == rank * 9 * 4 * 6 // 2 + (rank + 1) * places + 6
    plain = LowRankLocallyConnected2d(
        *shape.channels, 3, (4, 5), rank, weights=weights, padding=1, groups=2, bias=False, spatial_bias=False
    )
    assert sum(p.numel() for p in plain.parameters()) == rank * 9 * 4 * 6 // 2 + rank * places


@pytest.mark.parametrize(
    ("weights", "names"),
    [
        ("row+column", {"row_weights": (4, 2), "column_weights": (5, 2), "row_bias": (4,), "column_bias": (5,)}),
        ("rows", {"row_weights": (4, 2), "row_bias": (4,)}),
        ("columns", {"column_weights": (5, 2), "column_bias": (5,)}),
        ("full", {"position_weights": (4, 5, 2), "position_bias": (4, 5)}),
    ],
)
def test_names_and_shapes_of_the_parameters(weights, names):
    layer = LowRankLocallyConnected2d(3, 6, (3, 2), (6, 6), 2, weights=weights)
    shapes = {name: tuple(parameter.shape) for name, parameter in layer.named_parameters()}
    assert shapes == {"banks": (2, 6, 3, 3, 2), "bias": (6,)} | names


def test_representation_in_the_manner_of_a_convolution():
    assert repr(LocallyConnected2d(2, 4, 3, 6, padding="same", groups=2)) == (
        "LocallyConnected2d(2, 4, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), padding=same, groups=2)"
    )
    layer = LowRankLocallyConnected2d(2, 4, 3, 6, 2, dilation=2, spatial_bias=False)
    assert repr(layer) == (
        "LowRankLocallyConnected2d(2, 4, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), "
        "dilation=(2, 2), rank=2, weights='row+column', normalize='softmax', spatial_bias=False, computation='auto')"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "free"}, r"weights must be one of row\+column, rows, columns, full, input, .*but is 'free'"),
        ({"normalize": "sum"}, "normalize must be one of softmax, norm, none, but is 'sum'"),
        ({"computation": "fast"}, "computation must be one of auto, bank, kernel, but is 'fast'"),
        ({"rank": 0}, "rank must be at least 1, but is 0"),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(InputError, match=message):
        LowRankLocallyConnected2d(2, 3, 3, 6, **({"rank": 2} | options))


def test_a_path_that_does_not_exist_cannot_be_set_later():
    layer = LowRankLocallyConnected2d(2, 3, 3, 6, 2)
    with pytest.raises(InputError, match="computation must be one of auto, bank, kernel"):
        layer.computation = "quick"
    assert layer.computation == "auto"
