"""How a low-rank layer is computed: measured before training, and set.

The clock is a fake where a test needs to know what is faster.
"""

import copy

import pytest
import torch
from fake_clock import images, layer
from torch import nn
from torch.utils.checkpoint import checkpoint

from lrlc_nas.errors import InputError
from lrlc_nas.layers import LowRankLocallyConnected2d, tune, use_computation
from lrlc_nas.layers.low_rank import COMPUTATIONS


class Net(nn.Module):
    """Layers that meet different things, behind normalisation and dropout."""

    def __init__(self):
        super().__init__()
        self.first = layer(padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.second = LowRankLocallyConnected2d(6, 4, 3, 6, 3, weights="full")
        self.dropout = nn.Dropout(0.5)
        self.given = layer(computation="bank")
        self.from_input = LowRankLocallyConnected2d(4, 2, 1, 4, 2, weights="input")
        self.unused = layer()

    def forward(self, x):
        y = self.dropout(self.second(torch.relu(self.norm(self.first(input=x)))))
        return self.from_input(y).mean((2, 3)) + self.given(x).mean()


# What is set


@pytest.mark.parametrize("fast", COMPUTATIONS)
def test_the_faster_computation_is_set_where_it_was_open(fast, clock, memory):
    clock.seconds = {each: 1.0 if each == fast else 1.2 for each in COMPUTATIONS}
    network = Net()
    assert tune(network, images()) == {"first": fast, "second": fast}
    assert list(memory.values()) == [fast, fast]
    assert (network.first.computation, network.second.computation) == (fast, fast)
    assert network.given.computation == "bank"
    assert network.from_input.computation == network.unused.computation == "auto"
    clock.timed.clear()
    assert tune(network, images(64)) == {}, "what is set stays"
    assert not clock.timed


def test_until_it_is_tuned_a_layer_is_computed_by_its_banks():
    auto, x = layer(), images()
    y = auto(x)
    use_computation(auto, "bank")
    assert torch.equal(auto(x), y)


def test_a_computation_can_be_set_for_a_whole_network_but_not_where_there_is_none():
    network = Net()
    use_computation(network, "kernel")
    assert network.first.computation == network.given.computation == "kernel"
    assert network.from_input.computation == "auto"
    use_computation(network, "auto")
    assert network.first.computation == "auto"
    with pytest.raises(InputError, match="computation must be one of auto, bank, kernel"):
        use_computation(network, "fast")


# How it is measured


def test_the_first_call_warms_up_and_does_not_count(clock, memory):
    clock.seconds = {"bank": [1.0, 2.0], "kernel": [3.0, 1.0]}
    tune(layer(), images())
    assert list(memory.values()) == ["kernel"]


def test_one_slow_call_among_several_does_not_decide(clock, memory):
    clock.seconds = {"bank": [1.0, 1.2, 1.2, 1.2, 1.2], "kernel": [1.0, 1.0, 1.0, 1.1, 9.0]}
    tune(layer(), images())
    assert list(memory.values()) == ["kernel"]


def test_what_leads_by_far_is_chosen_at_once(clock):
    clock.seconds = {"bank": 5.0, "kernel": 1.0}
    tune(layer(), images())
    assert clock.timed == ["bank", "kernel"]
    clock.timed.clear()
    clock.seconds = {"bank": 1.1, "kernel": 1.0}
    tune(layer(), images(64))
    assert clock.timed == ["bank", "kernel"] * 5


def test_each_layer_is_timed_on_what_it_meets(clock):
    clock.seconds = {"bank": 5.0, "kernel": 1.0}
    x = images().to(memory_format=torch.channels_last)
    network = Net()
    with torch.autocast("cpu", torch.bfloat16):
        tune(network, x)
    first, second = clock.inputs[::2]
    assert torch.equal(first, x)
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert not first.requires_grad
    assert (second.shape, second.dtype, second.requires_grad) == ((4, 6, 6, 6), torch.bfloat16, True)


def test_where_gradients_are_switched_off_the_forward_pass_alone_is_measured(memory):
    with torch.no_grad():
        tune(layer(), images())
    (situation,) = memory
    assert situation.endswith("; inference")


def test_an_image_without_batch_axis_is_a_batch_of_one(memory):
    assert tune(layer(), images()[0]).keys() == {""}
    (situation,) = memory
    assert "; batch 1; " in situation


# What a measurement leaves alone: with the real clock


@pytest.mark.usefixtures("memory")
def test_statistics_modes_gradients_hooks_and_random_numbers_are_left_alone():
    network, x, heard = Net().train(), images(requires_grad=True), []
    network.norm.eval()
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 7)
    x.register_hook(lambda _: heard.append("input"))
    network.first.banks.register_hook(lambda _: heard.append("banks"))
    network.first.register_full_backward_hook(lambda *_: heard.append("backward"))
    state, random = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    assert tune(network, x).keys() == {"first", "second"}
    assert not heard
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad.eq(7).all() for parameter in network.parameters())
    assert x.grad is None
    assert network.training
    assert network.second.training
    assert not network.norm.training
    assert not any(module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("fast", COMPUTATIONS)
def test_a_tuned_layer_is_to_the_bit_the_layer_that_was_told_so(fast, clock):
    clock.seconds = {each: 1.0 if each == fast else 2.0 for each in COMPUTATIONS}
    x, states = images(), []
    for computation in ("auto", fast):
        torch.manual_seed(1)
        trained = layer(computation=computation)
        tune(trained, x)
        optimiser = torch.optim.SGD(trained.parameters(), 0.1)
        for _ in range(3):
            optimiser.zero_grad()
            trained(x).square().mean().backward()
            optimiser.step()
        states.append(torch.cat([parameter.flatten() for parameter in trained.parameters()]))
    assert torch.equal(*states)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("reentrant", [False, True])
def test_layers_under_activation_checkpointing_are_measured_too(reentrant):
    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = layer()

        def forward(self, x):
            return checkpoint(self.inner, x, use_reentrant=reentrant)

    network, x = Checkpointed(), images(requires_grad=True)
    assert tune(network, x).keys() == {"inner"}
    network(x).sum().backward()
    expected = torch.autograd.grad(network.inner(x).sum(), x)[0]
    assert torch.equal(x.grad, expected)


@pytest.mark.usefixtures("memory")
def test_a_network_without_memory_is_left_open():
    auto = layer().to("meta")
    assert tune(auto, images().to("meta")) == {}
    assert auto.computation == "auto"


def test_an_error_of_the_network_is_told_and_nothing_is_set(clock):
    network = nn.Sequential(layer(), nn.Linear(2, 3))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        tune(network, images())
    assert network[0].computation == "auto"
    assert not clock.timed
