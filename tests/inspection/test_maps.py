"""Maps of space agree with kernels that are formed and compared one by one."""

import pytest
import torch
from torch import nn

from lrlc_nas.inspection.maps import layer_map
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.layers.combining import PARTS


def low_rank(weights="full", normalize="softmax", rank=3):
    torch.manual_seed(0)
    layer = LowRankLocallyConnected2d(2, 4, 3, (6, 5), rank, weights=weights, normalize=normalize)
    for name, parameter in layer.named_parameters():
        if name.endswith("_weights"):
            nn.init.normal_(parameter)
    return layer


def oracle(kernels):
    """(Y, X, ...) to distances and the unshared share, in nested loops."""
    rows, columns = kernels.shape[:2]
    at = [[kernels[y, x].detach().double().flatten() for x in range(columns)] for y in range(rows)]
    every = [kernel for row in at for kernel in row]
    centre = sum(every) / len(every)
    scale = sum(float(kernel @ kernel) for kernel in every) / len(every)
    far = [[float((kernel - centre) @ (kernel - centre)) / scale for kernel in row] for row in at]
    return [[each**0.5 for each in row] for row in far], sum(map(sum, far)) / len(every)


@pytest.mark.parametrize("normalize", ["softmax", "norm", "none"])
@pytest.mark.parametrize("weights", PARTS)
def test_a_low_rank_layer_is_mapped_as_by_its_kernels(weights, normalize):
    layer = low_rank(weights, normalize)
    images = torch.randn(4, 2, 6, 5)
    weights_map, distance, unshared = layer_map(layer, images)
    # Kernels are linear in the combining weights, so the mean over images may be taken of either.
    kernels = layer.kernels(images).mean(0) if layer.depends_on_input else layer.kernels()
    far, share = oracle(kernels)
    assert distance == pytest.approx(torch.tensor(far).numpy(), abs=1e-5)
    assert unshared == pytest.approx(share, abs=1e-6)
    combining = layer.combining_weights(images).detach()
    combining = combining.mean(0) if combining.dim() == 4 else combining
    assert weights_map == pytest.approx(combining.permute(2, 0, 1).numpy(), abs=1e-6)


def test_a_locally_connected_layer_is_mapped_by_the_same_measure():
    torch.manual_seed(0)
    layer = LocallyConnected2d(2, 4, 3, (6, 5))
    banks, distance, unshared = layer_map(layer)
    far, share = oracle(layer.weight)
    assert banks.shape == (0, 4, 3)
    assert distance == pytest.approx(torch.tensor(far).numpy(), abs=1e-6)
    assert unshared == pytest.approx(share)


@pytest.mark.parametrize("rank", [1, 3])
def test_a_convolution_in_disguise_shares_everything(rank):
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3)
    for layer in (LowRankLocallyConnected2d.from_conv(conv, (6, 5), rank), LocallyConnected2d.from_conv(conv, (6, 5))):
        _, distance, unshared = layer_map(layer)
        assert distance == pytest.approx(0, abs=1e-6)
        assert unshared == pytest.approx(0, abs=1e-12)


def test_kernels_that_have_nothing_in_common_share_nothing():
    layer = LocallyConnected2d(1, 1, 1, (2, 1), bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([1.0, -1.0]).view_as(layer.weight))
    _, distance, unshared = layer_map(layer)
    assert distance == pytest.approx(1.0)
    assert unshared == pytest.approx(1.0)


def test_kernels_of_zero_are_no_division_by_zero():
    layer = LocallyConnected2d(1, 1, 1, (2, 2))
    nn.init.zeros_(layer.weight)
    _, distance, unshared = layer_map(layer)
    assert (distance.max(), unshared) == (0.0, 0.0)


def test_a_shared_kernel_has_no_map():
    with pytest.raises(TypeError, match="Conv2d has the same kernel at every position"):
        layer_map(nn.Conv2d(1, 1, 3))
