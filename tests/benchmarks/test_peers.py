"""The peers compute what our layers compute, forward and backward."""

import pytest
import torch
from torch import Tensor, nn

from lrlc_nas.benchmarks import Size
from lrlc_nas.benchmarks.peers import SeparateConvolutions, UnfoldedProduct, unfolded_bytes
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d

SIZES = [
    Size(2, 4, input_size=(5, 6), batch=3),
    Size(3, 2, (1, 3), (4, 5), batch=2, padding=1),
    Size(4, 6, (3, 2), (5, 4), batch=2, groups=2),
    Size(4, 4, input_size=(4, 4), batch=1, padding=1, groups=4),
]


def randomised(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.normal_(parameter)


def geometry_of(size: Size) -> dict[str, object]:
    return {
        "kernel_size": size.kernel_size,
        "input_size": size.input_size,
        "padding": size.padding,
        "groups": size.groups,
    }


def images(size: Size, layout: torch.memory_format) -> Tensor:
    x = torch.randn(size.batch, size.in_channels, *size.input_size)
    return x.contiguous(memory_format=layout).requires_grad_()


def gradients(module: nn.Module, x: Tensor, of: list[Tensor], along: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(module(x), [x, *of], along))


def assert_close(ours: Tensor, peers: Tensor) -> None:
    torch.testing.assert_close(ours, peers, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_separate_convolutions(size: Size, rank: int, layout: torch.memory_format) -> None:
    layer = LowRankLocallyConnected2d(size.in_channels, size.out_channels, rank=rank, **geometry_of(size))
    randomised(layer)
    peer = SeparateConvolutions(layer)
    x = images(size, layout)
    assert_close(layer(x), peer(x))

    along = torch.randn_like(layer(x))
    shared = ["row_weights", "column_weights", "row_bias", "column_bias", "bias"]
    ours = gradients(layer, x, [layer.banks, *(getattr(layer, name) for name in shared)], along)
    banks = [bank.weight for bank in peer.banks]
    its = gradients(peer, x, [*banks, *(getattr(peer, name) for name in shared)], along)
    its = [its[0], torch.stack(its[1 : 1 + rank]), *its[1 + rank :]]
    for one, other in zip(ours, its, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_unfolded_product(size: Size) -> None:
    layer = LocallyConnected2d(size.in_channels, size.out_channels, **geometry_of(size))
    randomised(layer)
    peer = UnfoldedProduct(layer)
    x = images(size, torch.contiguous_format)
    assert_close(layer(x), peer(x))

    along = torch.randn_like(layer(x))
    ours = gradients(layer, x, [layer.weight, layer.bias], along)
    its = gradients(peer, x, [peer.weight, peer.bias], along)
    its[1] = its[1].unflatten(-1, layer.geometry.output_size)
    its[1] = its[1].unflatten(2, layer.geometry.kernel_shape[1:]).flatten(0, 1).permute(4, 5, 0, 1, 2, 3)
    for one, other in zip(ours, its, strict=True):
        assert_close(one, other)


def test_peers_have_the_parameters_of_the_layers() -> None:
    size = SIZES[2]
    layer = LowRankLocallyConnected2d(size.in_channels, size.out_channels, rank=3, **geometry_of(size))
    local = LocallyConnected2d(size.in_channels, size.out_channels, **geometry_of(size))
    for ours, peer in ((layer, SeparateConvolutions(layer)), (local, UnfoldedProduct(local))):
        numbers = [sum(each.numel() for each in module.parameters()) for module in (ours, peer)]
        assert numbers[0] == numbers[1]


def test_the_estimate_of_the_product() -> None:
    """2 images, 12 positions, 18 taps and channels, 4 out channels: 2*12*18*4 products, twice, and the rest."""
    size = Size(2, 4, input_size=(5, 6), batch=2)
    assert unfolded_bytes(size, 4) == 4 * (2 * 1728 + 2 * 432 + 2 * 864)
