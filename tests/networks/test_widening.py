"""Hosts that widen their convolutions themselves: the paper's control, with all that follows it."""

import random

import pytest
import torch
from torch import nn

from lrlc_nas.choices import Choice, Plan
from lrlc_nas.errors import InputError
from lrlc_nas.networks import host_cost, plan_cost, relax, survey, why_not_buildable
from lrlc_nas.networks.hosts import build_host

LAYERS = ("conv1", "conv2", "conv3")
TOKENS = (
    "conv", "wide-2", "wide-3", "wide-2", "coord", "tied-2", "lrlc-2", "lrlc-3-full", "lrlc-2-input", "lc",
)  # fmt: skip


def paper_cnn(size=9, width=8, channels=3, **options):
    return build_host(
        "paper-cnn", channels=channels, classes=5, size=(size, size), options={"channels": width, **options}
    )


def images_of(size=9, channels=3, batch=2):
    return torch.randn(batch, channels, size, size)


def outputs(network, images):
    with torch.no_grad():
        return network.eval()(images)


def widths(network):
    layers = [network.get_submodule(name) for name in LAYERS]
    return [(layer.in_channels, layer.out_channels) for layer in layers if isinstance(layer, nn.Conv2d)]


# Trainable parameters and millions of multiply-accumulates of the network of Elsayed et al. (2020) on CIFAR-10.
PUBLISHED = {"conv1": (77_700, 56.33), "conv2": (113_418, 82.29), "conv3": (114_122, 80.30), "all": (171_268, 121.07)}


@pytest.mark.parametrize("layer", PUBLISHED)
def test_costs_of_the_published_wide_networks(layer):
    host = build_host("paper-cnn", channels=3, classes=10, size=(32, 32))
    images = torch.zeros(1, 3, 32, 32)
    plan = Plan.of(dict.fromkeys(LAYERS if layer == "all" else [layer], "wide-2"))
    cost = plan_cost(host_cost(host, images), survey(host, images), plan)
    parameters, macs = PUBLISHED[layer]
    assert cost.parameters == parameters
    assert cost.macs / 1e6 == pytest.approx(macs, abs=0.0051)
    assert cost == host_cost(relax(host, plan, images), images)


@pytest.mark.parametrize("host", [{"width": [8, 6, 10]}, {"width": 9, "strides": [2, 1, 1]}, {"size": 7}])
def test_the_cost_of_any_plan_is_that_of_the_network_that_is_built(host):
    """Also where a convolution is widened beside a relaxed one, and where the last one is no site (7x7)."""
    images = images_of(host.get("size", 13))
    network = paper_cnn(**{"size": 13} | host)
    base, found, draw = host_cost(network, images), survey(network, images), random.Random(0)
    for _ in range(25):
        plan = Plan.of({site: draw.choice(TOKENS) for site in found.sites})
        if any(why_not_buildable(found, name, choice) for name, choice in plan):
            continue
        built = relax(network, plan, images, init=draw.choice(["host", "paper"]))
        predicted = plan_cost(base, found, plan)
        assert predicted.parameters == sum(p.numel() for p in built.parameters()), plan
        outputs(built, images)
        if all(choice.kind == "wide" for _, choice in plan):
            assert predicted == host_cost(built, images), plan


def test_all_that_a_convolution_passes_through_is_widened():
    network = relax(paper_cnn(), dict.fromkeys(LAYERS, "wide-2"), images_of())
    assert widths(network) == [(3, 10), (10, 12), (12, 16)]
    assert [network.get_submodule(f"bn{index}").num_features for index in (1, 2, 3)] == [10, 12, 16]
    assert network.logits.in_features == 16
    network.train()(images_of()).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize(
    "plan",
    [
        {"conv1": "wide-3"},
        {"conv2": "wide-2"},
        {"conv3": "wide-4"},
        dict.fromkeys(LAYERS, "wide-2"),
        {"conv1": "wide-2", "conv2": "lrlc-2"},
        {"conv1": "lc", "conv2": "wide-3", "conv3": "lrlc-3-input"},
        {"conv1": "wide-2", "conv2": "coord", "conv3": "wide-2"},
    ],
    ids=str,
)
def test_a_widened_host_computes_what_the_host_computes(plan):
    host, images = paper_cnn(), images_of(batch=4)
    host.train()(images_of(batch=6))  # so that the running statistics are their own
    candidate = relax(host, plan, images, init="host", seed=3)
    torch.testing.assert_close(outputs(candidate, images), outputs(host, images), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(candidate.train()(images), host.train()(images), rtol=1e-3, atol=1e-4)
    assert all(parameter.requires_grad for parameter in candidate.parameters())


def test_new_filters_are_fresh_and_nothing_reads_them_yet():
    host = paper_cnn()
    candidate = relax(host, {"conv2": "wide-2"}, images_of(), init="host", seed=0)
    assert torch.equal(candidate.conv2.weight[:8], host.conv2.weight)
    assert candidate.conv2.weight[8:].std() > 0
    assert torch.equal(candidate.conv3.weight[:, :8], host.conv3.weight)
    assert not candidate.conv3.weight[:, 8:].any()
    assert torch.equal(candidate.conv1.weight, host.conv1.weight)


def test_the_start_of_the_paper_draws_a_widened_convolution_and_its_reader_anew():
    host = paper_cnn(width=32)
    one = relax(host, {"conv2": "wide-2", "conv3": "wide-2"}, images_of(), init="paper", seed=0)
    other = relax(paper_cnn(width=32), {"conv2": "wide-2", "conv3": "wide-2"}, images_of(), init="paper", seed=0)
    for name in ("conv2", "conv3", "logits"):
        weight = one.get_submodule(name).weight
        assert torch.equal(weight, other.get_submodule(name).weight), "the seed decides, not the host"
        bound = (6 / (weight[0].numel() if weight.dim() == 4 else sum(weight.shape))) ** 0.5
        assert 0.95 * bound < weight.abs().max() <= bound
    assert not one.logits.bias.any()
    assert torch.equal(one.conv1.weight, host.conv1.weight)


def test_a_host_is_left_as_it_is():
    host = paper_cnn()
    before = {name: tensor.clone() for name, tensor in host.state_dict().items()}
    images, state = images_of(), torch.get_rng_state()
    relax(host, dict.fromkeys(LAYERS, "wide-2"), images, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    assert widths(host) == [(3, 8), (8, 8), (8, 8)]
    assert all(torch.equal(tensor, before[name]) for name, tensor in host.state_dict().items())


def test_a_width_that_is_that_of_the_convolution_is_no_control():
    host, images = paper_cnn(channels=1, width=64), images_of(channels=1)
    reason = why_not_buildable(survey(host, images), "conv1", Choice.parse("wide-2"))
    assert reason == "the width that matches lrlc-2 is 64, that of the convolution itself"
    with pytest.raises(InputError, match=f"site 'conv1': wide-2 cannot be built: {reason}"):
        relax(host, {"conv1": "wide-2"}, images)


class Widened(nn.Sequential):
    """Two convolutions, and whatever it is told to say of the first."""

    def __init__(self, followers, groups=1, channels=4):
        super().__init__(
            nn.Conv2d(3 * groups, channels, 3, groups=groups), nn.PReLU(4), nn.Dropout(), nn.BatchNorm2d(4),
            nn.Conv2d(4, 4, 1, groups=2), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(4 * 4, 2),
        )  # fmt: skip
        self.followers = followers

    def widening(self, site, rank):
        return (4 * rank, self.followers) if site == "0" else None


@pytest.mark.parametrize(
    ("followers", "message"),
    [
        ((), r"followers must be modules, got \(\)"),
        (("2", "9"), r"followers must be modules, got \('2', '9'\)"),
        (("1", "5"), r"'1' must be a BatchNorm2d of 4 features or have no parameters, but is PReLU"),
        (("5", "5"), r"'5' must be a BatchNorm2d of 4 features or have no parameters, but is Conv2d"),
        (("3", "4"), r"'4' must be a plain Conv2d with groups=1 or a Linear that reads 4 channels, but is Conv2d"),
        (("3", "7"), r"'7' must be .* reads 4 channels, but is Linear\(in_features=16"),
        (("3", "2"), r"'2' must be a plain Conv2d .* but is Dropout"),
    ],
)
def test_a_host_that_names_what_cannot_be_widened_is_told(followers, message):
    with pytest.raises(InputError, match=rf"Widened.widening\('0'\): {message}"):
        survey(Widened(followers), images_of(4, channels=3))


def test_a_convolution_with_groups_cannot_be_widened():
    with pytest.raises(InputError, match="required is groups=1, got 2"):
        survey(Widened(("3", "5"), groups=2), images_of(4, channels=6))
