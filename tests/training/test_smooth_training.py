"""The smoothness of a recipe: what it does to combining weights, and that results tell the loss without it."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_training import RECIPE, TRAIN, assert_same_weights, make_network, start

from lrlc_nas.layers import LowRankLocallyConnected2d

SMOOTH_RECIPE = replace(RECIPE, epochs=4, batch_size=12, learning_rate=0.5, weight_decay=0.0)


def uneven_network():
    """A low-rank layer whose combining weights differ from position to position."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = LowRankLocallyConnected2d(3, 4, 3, 6, 3, weights="full")
        nn.init.normal_(layer.position_weights)
        return nn.Sequential(layer, nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 3))


def variation(network):
    """The standard deviation of the combining weights over positions."""
    return network[0].combining_weights().flatten(0, 1).std(0).mean().item()


def trained(smoothness):
    network = uneven_network()
    list(start(network, replace(SMOOTH_RECIPE, smoothness=smoothness)))
    return network


def test_smoothness_draws_the_combining_weights_of_positions_together():
    before, free, smooth = variation(uneven_network()), variation(trained(0.0)), variation(trained(20.0))
    assert smooth < 0.7 * free
    assert smooth < 0.7 * before


def test_the_training_loss_is_told_without_the_penalty():
    recipe = replace(SMOOTH_RECIPE, epochs=1, batch_size=len(TRAIN), schedule="cosine", warmup=0.0)
    network, results = uneven_network(), []
    for smoothness in (0.0, 20.0):
        results += start(copy.deepcopy(network), replace(recipe, smoothness=smoothness))
    assert results[0].scores["train_loss"] == results[1].scores["train_loss"]
    assert results[0].scores["loss"] != pytest.approx(results[1].scores["loss"], rel=1e-6), "the step was another"


def test_a_network_without_combining_weights_trains_as_without_the_penalty():
    networks = [make_network(), make_network()]
    for network, smoothness in zip(networks, (0.0, 20.0), strict=True):
        list(start(network, replace(RECIPE, smoothness=smoothness)))
    assert_same_weights(*networks)
