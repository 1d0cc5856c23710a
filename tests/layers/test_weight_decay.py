"""What weight decay pulls in each member of the family: alike in a layer and in its controls."""

import pytest
import torch
from layer_family import GROUPED, each_member
from torch import nn

from lrlc_nas.config import Recipe
from lrlc_nas.training.optimisation import make_optimizer


def decayed(network, optimizer):
    """The names of the parameters that decay, and of those that do not."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    found = {True: set(), False: set()}
    for group in make_optimizer(network, Recipe(optimizer=optimizer, weight_decay=0.01)).param_groups:
        found[group["weight_decay"] == 0.01] |= {names[id(parameter)] for parameter in group["params"]}
    return found[True], found[False]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@each_member
def test_biases_and_normalisation_do_not_decay_and_all_else_does(member, optimizer):
    network = nn.Sequential(member.layer(GROUPED, dtype=torch.float32), nn.BatchNorm2d(GROUPED.channels[1]))
    free = {name for name, _ in network.named_parameters() if name.endswith("bias")} | {"1.weight"}
    others = {name for name, _ in network.named_parameters()} - free
    assert decayed(network, optimizer) == (others, free)


def test_other_parameters_of_one_dimension_do_not_decay():
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.PReLU(3))
    assert decayed(network, "sgd") == ({"0.weight"}, {"0.bias", "1.weight"})
