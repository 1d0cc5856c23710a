"""How a low-rank layer is computed where memory is too short to measure both ways."""

import pytest
import torch
from fake_clock import images, layer

from lrlc_nas.layers import LowRankLocallyConnected2d, tune, use_computation
from lrlc_nas.layers.low_rank import COMPUTATIONS

EXHAUSTED = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory."),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:122] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4000 bytes. Error code 12 (Cannot allocate memory)"
    ),
}
each_exhaustion = pytest.mark.parametrize("error", EXHAUSTED.values(), ids=EXHAUSTED)


def exhaust(monkeypatch, error, computations, spared=0):
    """Let computations run out of memory, but for so many first calls."""
    computed, calls = LowRankLocallyConnected2d.computed, []

    def exhausted(self, x, computation):
        calls.append(computation)
        if computation in computations and len(calls) > spared:
            raise error
        return computed(self, x, computation)

    monkeypatch.setattr(LowRankLocallyConnected2d, "computed", exhausted)


@each_exhaustion
@pytest.mark.parametrize("full", COMPUTATIONS)
def test_what_runs_out_of_memory_is_not_chosen(full, error, memory, monkeypatch):
    auto = layer()
    exhaust(monkeypatch, error, [full], spared=1)  # the pass that shows what the layer meets
    assert tune(auto, images()) == {"": "kernel" if full == "bank" else "bank"}
    assert full not in memory.values()
    assert len(memory) == 1


@each_exhaustion
@pytest.mark.parametrize("spared", [0, 1], ids=["in the pass", "in the measurement"])
def test_where_all_runs_out_of_memory_the_frugal_one_is_set_and_not_remembered(spared, error, memory, monkeypatch):
    auto, x = layer(), images()
    with monkeypatch.context() as patch:
        exhaust(patch, error, COMPUTATIONS, spared)
        assert tune(auto, x) == {"": "kernel"}
    assert not memory
    use_computation(auto, "auto")
    tune(auto, x)
    assert len(memory) == 1, "measured as soon as there is room"


def test_other_errors_of_a_measurement_are_those_of_the_layer(memory, monkeypatch):
    error = RuntimeError("of another kind")
    exhaust(monkeypatch, error, COMPUTATIONS, spared=1)
    with pytest.raises(RuntimeError) as caught:
        tune(layer(), images())
    assert caught.value is error
    assert not memory
