"""Which way computes a low-rank layer: chosen by measurement, once for each situation.

The clock is a fake: no test depends on what is faster here.
"""

import threading
from contextlib import nullcontext

import pytest
import torch
from fake_clock import images, layer
from layer_family import replica

from lrlc_nas.layers import LowRankLocallyConnected2d, paths
from lrlc_nas.layers.paths import PATHS, remembering


# The choice


@pytest.mark.parametrize("fast", PATHS)
def test_the_faster_path_computes_the_layer(fast, clock, memory):
    clock.seconds = {path: 1.0 if path == fast else 1.2 for path in PATHS}
    auto, x = layer(), images()
    y = auto(x)
    assert list(memory.values()) == [fast]
    auto.path = fast
    assert torch.equal(auto(x), y)


def test_the_first_call_of_a_path_warms_up_and_does_not_count(clock, memory):
    clock.seconds = {"bank": [1.0, 2.0], "kernel": [3.0, 1.0]}
    layer()(images())
    assert list(memory.values()) == ["kernel"]


def test_one_slow_call_among_several_does_not_decide(clock, memory):
    clock.seconds = {"bank": [1.0, 1.2, 1.2, 1.2, 1.2], "kernel": [1.0, 1.0, 1.0, 1.1, 9.0]}
    layer()(images())
    assert list(memory.values()) == ["kernel"]


def test_a_path_that_leads_by_far_is_chosen_at_once(clock, memory):
    clock.seconds = {"bank": 5.0, "kernel": 1.0}
    layer()(images())
    assert clock.timed == ["bank", "kernel"]
    clock.timed.clear()
    clock.seconds = {"bank": 1.1, "kernel": 1.0}
    layer()(images(64))
    assert clock.timed == ["bank", "kernel"] * 5


EXHAUSTED = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory."),
    "cpu": RuntimeError(
        "[enforce fail at alloc_cpu.cpp:122] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4000 bytes. Error code 12 (Cannot allocate memory)"
    ),
}
each_exhaustion = pytest.mark.parametrize("error", EXHAUSTED.values(), ids=EXHAUSTED)


def exhaust(monkeypatch, error, paths, calls=None):
    """Let paths run out of memory, if need be only in so many first calls."""
    mixed, left = LowRankLocallyConnected2d._mixed, [calls or 1000]

    def exhausted(self, path, x):
        left[0] -= 1
        if path in paths and left[0] >= 0:
            raise error
        return mixed(self, path, x)

    monkeypatch.setattr(LowRankLocallyConnected2d, "_mixed", exhausted)


@each_exhaustion
@pytest.mark.parametrize("full", PATHS)
def test_a_path_that_runs_out_of_memory_is_not_taken(full, error, memory, monkeypatch):
    exhaust(monkeypatch, error, [full])
    layer()(images()).sum().backward()
    assert full not in memory.values()
    assert len(memory) == 1


@each_exhaustion
def test_where_both_run_out_of_memory_nothing_is_remembered(error, memory, monkeypatch):
    auto, x = layer(), images()
    with monkeypatch.context() as patch:
        exhaust(patch, error, PATHS, calls=10)  # those of the measurement
        y = auto(x)
    assert not memory
    auto.path = "kernel"
    assert torch.equal(auto(x), y)
    auto.path = "auto"
    auto(x)
    assert len(memory) == 1, "measured as soon as there is room"


@each_exhaustion
def test_where_there_is_no_memory_at_all_it_is_the_error_that_comes(error, memory, monkeypatch):
    exhaust(monkeypatch, error, PATHS)
    with pytest.raises(RuntimeError) as caught:
        layer()(images())
    assert caught.value is error
    assert not memory


def test_other_errors_of_a_measurement_are_those_of_the_layer(memory, monkeypatch):
    error = RuntimeError("of another kind")
    exhaust(monkeypatch, error, PATHS)
    with pytest.raises(RuntimeError) as caught:
        layer()(images())
    assert caught.value is error
    assert not memory


# Situations


def test_a_known_situation_is_not_measured_again(clock):
    auto = layer()
    auto(images())
    measured = len(clock.timed)
    auto(images())
    layer()(images())
    assert len(clock.timed) == measured


def test_batches_within_one_power_of_two_are_one_situation(clock, memory):
    auto = layer()
    for batch in (5, 6, 7, 8):
        auto(images(batch))
    assert len(memory) == 1
    for batch in (4, 9, 1, 0):
        auto(images(batch))
    assert len(memory) == 4, "0 and 1 are one situation"


DIFFERENT = {
    "inference": lambda: torch.no_grad()(layer())(images()),
    "gradient of the input": lambda: layer()(images(requires_grad=True)),
    "input alone": lambda: layer().requires_grad_(False)(images(requires_grad=True)),
    "frozen": lambda: layer().requires_grad_(False)(images()),
    "double precision": lambda: layer().double()(images().double()),
    "channels last": lambda: layer()(images().to(memory_format=torch.channels_last)),
    "rank": lambda: LowRankLocallyConnected2d(4, 6, 3, 6, 3)(images()),
    "filters": lambda: LowRankLocallyConnected2d(4, 5, 3, 6, 2)(images()),
    "stride": lambda: layer(stride=2)(images()),
    "different banks": lambda: LowRankLocallyConnected2d(4, 6, [3, 1], 6, 2, padding="same")(images()),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_what_changes_the_speed_is_another_situation(other, clock, memory):
    layer()(images())
    other()
    assert len(memory) == 2


def test_the_number_of_threads_and_autocast_are_of_the_situation(clock, memory):
    auto, threads = layer(), torch.get_num_threads()
    auto(images())
    with torch.autocast("cpu", torch.bfloat16):
        auto(images())
    try:
        torch.set_num_threads(threads + 1)
        auto(images())
    finally:
        torch.set_num_threads(threads)
    assert len(memory) == 3
    assert len({text.split(";")[0] for text in memory}) == 2


CPUINFO = {
    "model name\t: AMD EPYC 9B14\nmodel name\t: AMD EPYC 9B14\n": "AMD EPYC 9B14",
    "processor\t: 0\nmodel name\t:   Intel(R)  Xeon(R) \n": "Intel(R) Xeon(R)",
    "processor\t: 0\nBogoMIPS\t: 50.00\n": "what python knows",
    None: "what python knows",
}


@pytest.mark.parametrize(("text", "name"), CPUINFO.items(), ids=["linux", "spaces", "arm", "no such file"])
def test_the_processor_is_of_the_situation(text, name, clock, memory, monkeypatch, tmp_path):
    if text is not None:
        (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(paths, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(paths.platform, "processor", lambda: "what python knows")
    monkeypatch.setattr(paths, "processor", paths.processor.__wrapped__)
    layer()(images())
    (situation,) = memory
    assert situation.startswith(f"{name} with {torch.get_num_threads()} threads; float32, ")


def test_the_processor_is_looked_up_once():
    assert paths.processor() is paths.processor()
    assert ";" not in paths.processor()


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("needs_x", [False, True])
def test_measured_is_the_backward_pass_that_will_come(frozen, needs_x, clock, monkeypatch):
    asked = []
    monkeypatch.setattr(paths, "_seconds", lambda compute, leaves, device: asked.append(len(leaves)) or 1.0)
    auto = layer().requires_grad_(not frozen)
    auto(images(requires_grad=needs_x))
    with torch.no_grad():
        auto(images(requires_grad=needs_x))
    parameters = 0 if frozen else len(list(auto.parameters()))
    assert set(asked) == {parameters + needs_x, 0}


@pytest.mark.parametrize(
    "options", [{}, {"kernel_size": [3, 1], "padding": "same"}], ids=["alike", "different"]
)
def test_a_replica_without_parameters_is_in_the_situation_of_its_layer(options, clock, memory, monkeypatch):
    """In training, and measured so: with a backward pass for all of its tensors."""
    auto, asked = (
        LowRankLocallyConnected2d(4, 6, **{"kernel_size": 3, "input_size": 6, "rank": 2} | options),
        [],
    )
    monkeypatch.setattr(paths, "_seconds", lambda compute, leaves, device: asked.append(len(leaves)) or 1.0)
    twin = replica(auto)
    assert not list(twin.parameters())
    twin(images())
    assert set(asked) == {len(list(auto.parameters()))}
    auto(images())
    with torch.no_grad():
        twin(images())
    assert [text.split("; ")[-1] for text in memory] == ["gradients of parameters", "inference"]


def test_measuring_a_replica_leaves_its_layer_and_its_hooks_alone(memory):
    auto, calls = layer(), []
    twin = replica(auto)
    twin.banks.register_hook(lambda _: calls.append("banks"))
    twin(images())
    assert len(memory) == 1
    assert not calls
    assert all(parameter.grad is None for parameter in auto.parameters())


# Memories


def test_a_remembered_choice_wins_over_the_measurement(clock, memory):
    layer()(images())
    (situation,) = memory
    clock.timed.clear()
    other = {situation: "bank"}
    auto, x = layer(), images()
    with remembering(other):
        y = auto(x)
    assert not clock.timed
    assert other == {situation: "bank"}
    auto.path = "bank"
    assert torch.equal(auto(x), y)


def test_the_choice_that_another_made_first_is_followed(clock):
    class Shared(dict):
        def setdefault(self, situation, path):
            return super().setdefault(situation, "bank")

    auto, x = layer(), images()
    with remembering(Shared()):
        y = auto(x)
    auto.path = "bank"
    assert clock.timed
    assert torch.equal(auto(x), y)


@pytest.mark.parametrize("fails", [False, True])
def test_the_memory_before_comes_back(fails, clock, memory):
    outer, inner = {}, {}
    with remembering(outer):
        expectation = pytest.raises(ZeroDivisionError) if fails else nullcontext()
        with expectation, remembering(inner):
            layer()(images(1))
            if fails:
                raise ZeroDivisionError
        layer()(images(2))
    layer()(images(4))
    batches = [[text.split("; ")[2] for text in kept] for kept in (inner, outer, memory)]
    assert batches == [["batch 1"], ["batch 2"], ["batch 4"]]


def test_two_threads_that_meet_a_situation_measure_it_once(clock):
    both, asked = threading.Barrier(2, timeout=60), threading.local()

    class Slow(dict):
        def get(self, situation):
            found = super().get(situation)
            if not hasattr(asked, "before"):
                asked.before = True
                both.wait()  # until both threads have found nothing
            return found

    auto, x, memory = layer(), images(), Slow()
    threads = [threading.Thread(target=auto, args=(x,)) for _ in range(2)]
    with remembering(memory):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert clock.timed == ["bank", "kernel"] * 2
    assert list(memory.values()) == ["kernel"]
