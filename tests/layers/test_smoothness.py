"""The regulariser that draws neighbouring positions together."""

import pytest
import torch
from layer_oracles import SHAPES, randomised
from torch import nn

from lrlc_nas.layers import LowRankLocallyConnected2d, smoothness_penalty
from lrlc_nas.layers.combining import NORMALIZATIONS, PARTS, neighbour_difference
from lrlc_nas.layers.input_weights import NETWORKS

FIXED = tuple(weights for weights in PARTS if weights not in NETWORKS)


def make(weights="full", normalize="softmax", rank=3):
    return LowRankLocallyConnected2d(2, 3, 3, (5, 6), rank, weights=weights, normalize=normalize, dtype=torch.float64)


def naive(combining):
    """combining (Y, X, K) -> the mean over all pairs of neighbours, by loops."""
    rows, columns, rank = combining.shape
    steps = []
    for i in range(rows):
        for j in range(columns):
            for k in range(rank):
                if i + 1 < rows:
                    steps.append(abs(combining[i + 1, j, k] - combining[i, j, k]))
                if j + 1 < columns:
                    steps.append(abs(combining[i, j + 1, k] - combining[i, j, k]))
    return sum(steps) / len(steps)


@pytest.mark.parametrize("normalize", NORMALIZATIONS)
@pytest.mark.parametrize("weights", FIXED)
def test_it_is_the_mean_step_between_neighbours_and_zero_at_the_start(weights, normalize):
    layer = make(weights, normalize)
    assert layer.smoothness() == 0
    randomised(layer)
    assert layer.smoothness() > 0.01
    torch.testing.assert_close(layer.smoothness(), naive(layer.combining_weights()))


@pytest.mark.parametrize("size", [(1, 4), (4, 1), (2, 3)])
def test_maps_of_one_row_or_one_column(size):
    combining = torch.rand(*size, 2, dtype=torch.float64)
    torch.testing.assert_close(neighbour_difference(combining), naive(combining))


def test_one_position_has_no_neighbours():
    combining = torch.rand(1, 1, 2, requires_grad=True)
    assert neighbour_difference(combining) == 0
    assert torch.autograd.grad(neighbour_difference(combining), combining)[0].eq(0).all()


def test_the_order_of_the_banks_and_a_mirror_do_not_matter():
    combining = torch.rand(3, 4, 5, dtype=torch.float64)
    expected = neighbour_difference(combining)
    torch.testing.assert_close(neighbour_difference(combining[..., torch.randperm(5)]), expected)
    torch.testing.assert_close(neighbour_difference(combining.flip(0, 1)), expected)
    torch.testing.assert_close(neighbour_difference(combining.transpose(0, 1)), expected)
    torch.testing.assert_close(neighbour_difference(-3 * combining), 3 * expected)


def test_a_batch_is_the_mean_of_its_images():
    combining = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    expected = (naive(combining[0]) + naive(combining[1])) / 2
    torch.testing.assert_close(neighbour_difference(combining), expected)


def test_weights_from_the_input_are_as_smooth_as_the_input_makes_them():
    layer, x = randomised(make("input")), SHAPES["plain"].images(2)
    expected = sum(naive(combining) for combining in layer.combining_weights(x)) / 2
    torch.testing.assert_close(layer.smoothness(x), expected)


def test_gradients_against_finite_differences():
    combining = torch.rand(3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(neighbour_difference, (combining,))


def test_descent_makes_a_layer_smoother():
    layer = randomised(make("row+column"))
    before = layer.smoothness()
    before.backward()
    assert {name for name, p in layer.named_parameters() if p.grad is not None} == {"row_weights", "column_weights"}
    torch.optim.SGD(layer.parameters(), 0.1).step()
    assert layer.smoothness() < before


def test_the_penalty_of_a_network_is_the_mean_of_its_layers_each_once():
    first, second = randomised(make("full")), randomised(make("rows"))
    others = nn.Sequential(nn.Conv2d(2, 3, 3), randomised(make("input")))
    network = nn.Sequential(first, nn.ReLU(), nn.Sequential(second, first), others)
    expected = (first.smoothness() + second.smoothness()) / 2
    torch.testing.assert_close(smoothness_penalty(network), expected)
    torch.testing.assert_close(smoothness_penalty(first), first.smoothness())
    smoothness_penalty(network).backward()
    assert first.position_weights.grad.abs().max() > 0
    assert second.row_weights.grad.abs().max() > 0


def test_the_penalty_of_a_network_without_such_a_layer_is_zero():
    penalty = smoothness_penalty(nn.Sequential(nn.Conv2d(2, 3, 3), make("input")))
    assert penalty.shape == ()
    assert penalty == 0


def test_the_penalty_is_where_the_network_is():
    for layer in (nn.Conv2d(2, 3, 3), make("input"), make("full")):
        assert smoothness_penalty(nn.Sequential(layer).to("meta")).device.type == "meta"
    assert smoothness_penalty(nn.ReLU()).device == torch.get_default_device()
