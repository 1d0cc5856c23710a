"""What both layers are as modules: parameters, states, copies, precisions, layouts, messages."""

import copy
import io

import pytest
import torch
from layer_oracles import SHAPES, assert_equal_maps, randomised
from torch import nn

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d


def low_rank(*args, **options):
    return LowRankLocallyConnected2d(*args, 3, **options)


def low_rank_by_kernels(*args, **options):
    return LowRankLocallyConnected2d(*args, 3, path="kernel", weights="full", **options)


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
def test_the_life_of_a_layer(make):
    layer = randomised(make(4, 6, 3, (7, 8), padding=1, stride=2, groups=2))
    x = torch.randn(5, 4, 7, 8, requires_grad=True)
    y = layer(x)
    assert y.shape == (5, 6, 4, 4)
    y.square().sum().backward()
    assert x.grad.abs().max() > 0
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    assert torch.equal(layer.eval()(x), y)


@each_layer
def test_an_image_without_batch_axis_and_an_empty_batch(make):
    layer, x = randomised(make(4, 6, 3, (7, 8), groups=2)), torch.randn(2, 4, 7, 8)
    assert_equal_maps(layer(x[1]), layer(x)[1], tolerance=1e-5)
    assert layer(x[:0]).shape == (0, 6, 5, 6)


@each_layer
def test_the_input_has_the_name_that_it_has_in_a_convolution(make):
    layer, x = make(2, 3, 3, 6), torch.randn(1, 2, 6, 6)
    assert torch.equal(layer(input=x), layer(x))


@each_layer
def test_state_survives_saving_into_another_layer(make):
    layer, other, x = randomised(make(2, 3, 3, 6)), make(2, 3, 3, 6), torch.randn(2, 2, 6, 6)
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    assert torch.equal(other(x), layer(x))


@each_layer
def test_a_copy_computes_the_same_and_shares_nothing(make):
    layer, x = randomised(make(2, 3, 3, 6)), torch.randn(2, 2, 6, 6)
    twin, y = copy.deepcopy(layer), layer(x).detach()
    assert torch.equal(twin(x), y)
    randomised(twin)
    assert torch.equal(layer(x), y)
    assert not torch.equal(twin(x), y)


@each_layer
def test_reset_parameters_forgets_all_that_was_learnt(make):
    torch.manual_seed(3)
    layer = make(2, 3, 3, 6)
    fresh = copy.deepcopy(layer.state_dict())
    randomised(layer)
    torch.manual_seed(3)
    layer.reset_parameters()
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, fresh[name]), name


@each_layer
def test_autocast_gives_the_precision_of_a_convolution(make):
    layer, x = randomised(make(4, 6, 3, 6)), torch.randn(2, 4, 6, 6)
    exact = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
        assert y.dtype == nn.Conv2d(4, 6, 3)(x).dtype == torch.bfloat16
    # bfloat16 keeps 8 bits; products are rounded up to three times on the way.
    assert_equal_maps(y.float(), exact, tolerance=0.05 * exact.abs().max().item())
    y.float().sum().backward()
    assert {parameter.grad.dtype for parameter in layer.parameters()} == {torch.float32}


@each_layer
def test_the_memory_format_of_the_input_is_kept(make):
    layer = randomised(make(4, 6, 3, 6, groups=2, dtype=torch.float64))
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    y, other = layer(x), layer(x.to(memory_format=torch.channels_last))
    assert y.is_contiguous()
    assert other.is_contiguous(memory_format=torch.channels_last)
    assert_equal_maps(other, y)


@each_layer
def test_without_bias(make):
    layer = make(2, 3, 3, 6, bias=False)
    assert layer.bias is None
    assert "bias" not in dict(layer.named_parameters())
    assert "bias=False" in repr(layer)
    randomised(layer)(torch.randn(1, 2, 6, 6)).sum().backward()


@each_layer
def test_device_and_dtype_reach_every_parameter(make):
    layer = make(2, 3, 3, 6, device="meta", dtype=torch.float64)
    assert {(p.device.type, p.dtype) for p in layer.parameters()} == {("meta", torch.float64)}


@each_layer
def test_an_input_that_does_not_fit_is_named(make):
    layer = make(2, 3, 3, (6, 7))
    with pytest.raises(
        InputError, match=r"made for maps of size \(6, 7\), but the input is of size \(7, 6\)"
    ):
        layer(torch.randn(1, 2, 7, 6))
    with pytest.raises(InputError, match="takes 2 in channels, but the input has 3"):
        layer(torch.randn(1, 3, 6, 7))
    with pytest.raises(InputError, match=r"shape \(B, C, H, W\) or \(C, H, W\), but came as \(6, 7\)"):
        layer(torch.randn(6, 7))


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize(
    ("weights", "places"), [("row+column", 4 + 5), ("rows", 4), ("columns", 5), ("full", 20)]
)
def test_parameters_of_the_low_rank_layer_are_those_of_the_formula(weights, places, rank):
    shape = SHAPES["groups"]  # 4 -> 6 channels in 2 groups, 5x4 maps padded by one: 5x4 positions
    layer = LowRankLocallyConnected2d(*shape.channels, 3, (4, 5), rank, weights=weights, padding=1, groups=2)
    assert sum(p.numel() for p in layer.parameters()) == rank * 9 * 4 * 6 // 2 + (rank + 1) * places + 6
    plain = LowRankLocallyConnected2d(
        *shape.channels, 3, (4, 5), rank, weights=weights, padding=1, groups=2, bias=False, spatial_bias=False
    )
    assert sum(p.numel() for p in plain.parameters()) == rank * 9 * 4 * 6 // 2 + rank * places


def test_parameters_of_the_locally_connected_layer_are_those_of_the_formula():
    layer = LocallyConnected2d(4, 6, 3, (4, 5), padding=1, groups=2)
    assert sum(p.numel() for p in layer.parameters()) == 20 * 9 * 4 * 6 // 2 + 20 * 6


@pytest.mark.parametrize(
    ("weights", "names"),
    [
        (
            "row+column",
            {"row_weights": (4, 2), "column_weights": (5, 2), "row_bias": (4,), "column_bias": (5,)},
        ),
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
        "LocallyConnected2d(2, 4, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), "
        "padding=same, groups=2)"
    )
    layer = LowRankLocallyConnected2d(2, 4, 3, 6, 2, dilation=2, spatial_bias=False)
    assert repr(layer) == (
        "LowRankLocallyConnected2d(2, 4, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), "
        "dilation=(2, 2), rank=2, weights='row+column', normalize='softmax', spatial_bias=False, path='auto')"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"weights": "free"},
            r"weights must be one of row\+column, rows, columns, full, input, but is 'free'",
        ),
        ({"normalize": "sum"}, "normalize must be one of softmax, norm, none, but is 'sum'"),
        ({"path": "fast"}, "path must be one of auto, bank, kernel, but is 'fast'"),
        ({"rank": 0}, "rank must be at least 1, but is 0"),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(InputError, match=message):
        LowRankLocallyConnected2d(2, 3, 3, 6, **({"rank": 2} | options))


def test_a_path_that_does_not_exist_cannot_be_set_later():
    layer = LowRankLocallyConnected2d(2, 3, 3, 6, 2)
    with pytest.raises(InputError, match="path must be one of auto, bank, kernel"):
        layer.path = "quick"
    assert layer.path == "auto"
