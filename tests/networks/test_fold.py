"""Folding: plainer layers in the place of relaxed ones, and the same function."""

import pytest
import torch
from relax_hosts import Zoo
from torch import nn

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.networks import fold, relax

IMAGES = torch.linspace(-1, 1, 2 * 3 * 8 * 10).view(2, 3, 8, 10)


class Foldable(nn.Module):
    """Becomes a convolution; counts how often it is asked."""

    asked = 0

    def fold(self):
        Foldable.asked += 1
        return nn.Conv2d(3, 3, 1)


def test_a_layer_with_several_names_is_folded_once_into_one_layer():
    layer = Foldable()
    network = nn.ModuleDict({"a": layer, "b": nn.Sequential(nn.ReLU(), layer), "c": nn.Conv2d(3, 3, 1)})
    Foldable.asked = 0
    folded = fold(network)
    assert Foldable.asked == 1
    assert type(folded["a"]) is nn.Conv2d
    assert folded["b"][1] is folded["a"]
    assert network["a"] is layer, "the network is left as it is"
    assert folded["c"] is not network["c"]


def test_a_layer_whose_folding_fails_is_not_passed_over_in_silence():
    class Broken(nn.Module):
        def fold(self):
            raise InputError("it does not fold")

    with pytest.raises(InputError, match="it does not fold"):
        fold(nn.Sequential(Broken()))


def test_a_network_that_is_a_layer_becomes_what_it_folds_to():
    assert type(fold(Foldable())) is nn.Conv2d


def trained(network):
    """Every parameter moved, so that positions differ."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) / 10)
    return network.eval()


@pytest.mark.parametrize(
    ("plan", "kinds"),
    [
        ({"twice": "lrlc-2", "down": "lrlc-2-full"}, (LocallyConnected2d, LocallyConnected2d)),
        ({"twice": "lrlc-2-rows", "down": "lc"}, (LocallyConnected2d, LocallyConnected2d)),
        ({"twice": "lrlc-2-input", "down": "conv"}, (LowRankLocallyConnected2d, nn.Conv2d)),
    ],
    ids=str,
)
def test_a_folded_network_computes_the_same(plan, kinds):
    network = trained(relax(Zoo().double(), plan, IMAGES.double(), init="paper"))
    folded = fold(network)
    torch.testing.assert_close(folded(IMAGES.double()), network(IMAGES.double()), rtol=1e-9, atol=1e-9)
    assert (type(folded.twice), type(folded.down)) == kinds
    assert folded.again is folded.twice


@pytest.mark.parametrize("choice", ["lrlc-3", "lrlc-2-cols", "tied-2"])
def test_what_has_not_learnt_to_tell_positions_apart_becomes_a_convolution(choice):
    host = Zoo().double().eval()
    folded = fold(relax(host, {"twice": choice, "down": choice}, IMAGES.double()))
    assert type(folded.twice) is type(folded.down) is nn.Conv2d
    torch.testing.assert_close(folded(IMAGES.double()), host(IMAGES.double()), rtol=1e-9, atol=1e-9)


def test_tied_banks_with_a_position_bias_stay():
    network = trained(relax(Zoo(), {"down": "tied-2"}, IMAGES))
    folded = fold(network)
    assert type(folded.down) is type(network.down)
    assert folded.down is not network.down
