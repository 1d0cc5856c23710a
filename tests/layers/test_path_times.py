"""What a measurement of the two paths leaves alone, and where there is none."""

import copy
import threading

import pytest
import torch
from fake_clock import images, layer
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from lrlc_nas.layers import paths
from lrlc_nas.layers.paths import PATHS


MEASURE = paths._seconds


# What a measurement leaves alone


def test_a_measurement_leaves_random_numbers_gradients_and_hooks_alone(memory):
    auto, x, calls = layer(), images(requires_grad=True), []
    auto.register_forward_hook(lambda *_: calls.append("forward"))
    auto.register_full_backward_hook(lambda *_: calls.append("backward"))
    x.register_hook(lambda _: calls.append("input"))
    auto.banks.register_hook(lambda _: calls.append("banks"))
    before = torch.get_rng_state()
    y = auto(x)
    assert len(memory) == 1, "measured with the real clock"
    assert torch.equal(torch.get_rng_state(), before)
    assert calls == ["forward"]
    assert x.grad is None
    assert all(parameter.grad is None for parameter in auto.parameters())
    y.sum().backward()
    # Tensor hooks come when their gradient is there, in whatever order.
    assert sorted(calls) == ["backward", "banks", "forward", "input"]


def test_gradients_that_were_there_stay(memory):
    auto = layer()
    for parameter in auto.parameters():
        parameter.grad = torch.full_like(parameter, 7)
    auto(images())
    assert all(parameter.grad.eq(7).all() for parameter in auto.parameters())


@pytest.mark.parametrize("fast", PATHS)
def test_training_with_a_measurement_is_training_with_its_choice(fast, clock):
    clock.seconds = {path: 1.0 if path == fast else 2.0 for path in PATHS}
    x, states = images(), []
    for path in ("auto", fast):
        torch.manual_seed(1)
        trained = layer(path=path)
        optimiser = torch.optim.SGD(trained.parameters(), 0.1)
        for _ in range(3):
            optimiser.zero_grad()
            trained(x).square().mean().backward()
            optimiser.step()
        states.append(torch.cat([parameter.flatten() for parameter in trained.parameters()]))
    assert torch.equal(*states)


# A caller who watches what is saved for the backward pass


def within(seconds, work):
    """Run in a thread that may hang; False if it did not end."""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(ended)


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("fast", PATHS)
def test_activation_checkpointing_gives_the_gradients_of_the_layer(fast, reentrant, clock, monkeypatch):
    """Measured with the real steps, and told other times."""
    clock.seconds = {path: 1.0 if path == fast else 2.0 for path in PATHS}
    auto, x = layer(), images(requires_grad=True)

    def timed(compute, leaves, device):
        MEASURE(compute, leaves, device)
        return clock(compute, leaves, device)

    monkeypatch.setattr(paths, "_seconds", timed)
    monkeypatch.setattr(paths, "_measuring", threading.Lock())  # a thread that hangs would keep it
    assert within(60, lambda: checkpoint(auto, x, use_reentrant=reentrant).sum().backward() is None)
    assert clock.timed
    auto.path = fast
    assert torch.equal(x.grad, torch.autograd.grad(auto(x).sum(), x)[0])


def test_hooks_on_saved_tensors_see_those_of_the_layer_alone(memory):
    auto, x = layer(), images()

    def saved():
        seen = []
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: seen.append(tensor) or tensor, abs):
            auto(x)
        return len(seen)

    measured = saved()
    assert len(memory) == 1
    assert measured == saved()


def test_where_hooks_on_saved_tensors_are_forbidden_the_layer_is_measured_all_the_same(memory):
    with torch.autograd.graph.disable_saved_tensors_hooks("none here"):
        layer()(images())
    assert len(memory) == 1


# Where nothing is measured


def _counted(auto, x):
    with FlopCounterMode(display=False):
        return auto(x)


def _forward_mode(auto, x):
    with torch.autograd.forward_ad.dual_level():
        return auto(torch.autograd.forward_ad.make_dual(x, torch.ones_like(x)))


WATCHED = {
    "compile": lambda auto, x: torch.compile(auto, backend="eager", fullgraph=True)(x),
    "export": lambda auto, x: torch.export.export(auto, (x,)),
    "vmap": lambda auto, x: torch.vmap(auto)(x),
    "grad": lambda auto, x: torch.func.grad(lambda x: auto(x).sum())(x),
    "jvp": lambda auto, x: torch.func.jvp(auto, (x,), (x,)),
    "forward mode": _forward_mode,
    "counted": _counted,
    "meta": lambda auto, x: auto.to("meta")(x.to("meta")),
    "weights from the input": lambda auto, x: layer(weights="input")(x),
    "a path that is set": lambda auto, x: (layer(path="bank")(x), layer(path="kernel")(x)),
}


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own forward-mode formulas
@pytest.mark.parametrize("call", WATCHED.values(), ids=WATCHED)
def test_nothing_is_measured(call, clock, memory):
    call(layer(), images())
    assert not clock.timed
    assert not memory


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")
@pytest.mark.parametrize("call", ["compile", "export", "vmap"])
def test_who_reads_the_layer_reads_the_bank_path_whatever_is_remembered(call, clock, memory):
    """What was measured is another program than the one that they make of the kernel path."""
    auto, x = layer(), images()
    auto(x)
    with torch.no_grad():
        auto(x)
    assert set(memory.values()) == {"kernel"}
    read = {"compile": lambda layer: torch.compile(layer, backend="eager", fullgraph=True)(x)}
    read["export"] = lambda layer: torch.export.export(layer, (x,)).module()(x)
    read["vmap"] = lambda layer: torch.vmap(layer)(x)
    assert torch.equal(read[call](auto), read[call](layer_with(auto, "bank")))


def layer_with(auto, path):
    twin = copy.deepcopy(auto)
    twin.path = path
    return twin


def test_a_counted_layer_counts_its_own_operations_alone(memory):
    auto, x = layer(), images()
    counts = []
    for path in ("auto", "bank"):
        auto.path = path
        with FlopCounterMode(display=False) as counter:
            auto(x)
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1] > 0
