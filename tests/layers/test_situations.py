"""What the choice of a computation depends on, and where it is remembered; the clock is a fake."""

import threading
from contextlib import nullcontext

import pytest
import torch
from fake_clock import images, layer

from lrlc_nas.layers import LowRankLocallyConnected2d, tune, tuning
from lrlc_nas.layers.tuning import remembering

# Situations


def test_a_known_situation_is_not_measured_again(clock, memory):
    tune(layer(), images())
    measured = len(clock.timed)
    other = layer()
    assert tune(other, images()) == {"": "kernel"}
    assert len(clock.timed) == measured
    assert len(memory) == 1


def test_batches_within_one_power_of_two_are_one_situation(clock, memory):
    for batch in (5, 6, 7, 8):
        tune(layer(), images(batch))
    assert len(memory) == 1
    for batch in (4, 9, 1, 0):
        tune(layer(), images(batch))
    assert len(memory) == 4, "0 and 1 are one situation"


DIFFERENT = {
    "inference": lambda: torch.no_grad()(tune)(layer(), images()),
    "gradient of the input": lambda: tune(layer(), images(requires_grad=True)),
    "input alone": lambda: tune(layer().requires_grad_(False), images(requires_grad=True)),
    "frozen": lambda: tune(layer().requires_grad_(False), images()),
    "double precision": lambda: tune(layer().double(), images().double()),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16)(tune)(layer(), images()),
    "channels last": lambda: tune(layer(), images().to(memory_format=torch.channels_last)),
    "rank": lambda: tune(LowRankLocallyConnected2d(4, 6, 3, 6, 3), images()),
    "filters": lambda: tune(LowRankLocallyConnected2d(4, 5, 3, 6, 2), images()),
    "stride": lambda: tune(layer(stride=2), images()),
    "different banks": lambda: tune(LowRankLocallyConnected2d(4, 6, [3, 1], 6, 2, padding="same"), images()),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_what_changes_the_speed_is_another_situation(other, clock, memory):
    tune(layer(), images())
    other()
    assert len(memory) == 2


def test_the_number_of_threads_is_of_the_situation(clock, memory):
    threads = torch.get_num_threads()
    tune(layer(), images())
    try:
        torch.set_num_threads(threads + 1)
        tune(layer(), images())
    finally:
        torch.set_num_threads(threads)
    assert len({text.split(";")[0] for text in memory}) == 2


def test_the_text_of_a_situation_is_fixed_for_ever(clock, memory):
    """Databases of studies have it as their key."""
    tune(layer(), images())
    (text,) = memory
    assert text.partition(" threads; ")[2] == (
        "float32, contiguous; batch 4; 4, 6, kernel_size=(3, 3), input_size=(6, 6), stride=(1, 1), rank=2; "
        "gradients of parameters"
    )


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
    monkeypatch.setattr(tuning, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(tuning.platform, "processor", lambda: "what python knows")
    monkeypatch.setattr(tuning, "processor", tuning.processor.__wrapped__)
    tune(layer(), images())
    (situation,) = memory
    assert situation.startswith(f"{name} with {torch.get_num_threads()} threads; float32, ")


def test_the_processor_is_looked_up_once():
    assert tuning.processor() is tuning.processor()
    assert ";" not in tuning.processor()


# Memories


def test_a_remembered_choice_wins_over_the_measurement(clock, memory):
    tune(layer(), images())
    (situation,) = memory
    clock.timed.clear()
    other = {situation: "bank"}
    with remembering(other):
        assert tune(layer(), images()) == {"": "bank"}
    assert not clock.timed
    assert other == {situation: "bank"}


def test_the_choice_that_another_made_first_is_followed(clock):
    class Shared(dict):
        def setdefault(self, situation, computation):
            return super().setdefault(situation, "bank")

    with remembering(Shared()):
        assert tune(layer(), images()) == {"": "bank"}
    assert clock.timed


@pytest.mark.parametrize("fails", [False, True])
def test_the_memory_before_comes_back(fails, clock, memory):
    outer, inner = {}, {}
    with remembering(outer):
        expectation = pytest.raises(ZeroDivisionError) if fails else nullcontext()
        with expectation, remembering(inner):
            tune(layer(), images(1))
            if fails:
                raise ZeroDivisionError
        tune(layer(), images(2))
    tune(layer(), images(4))
    batches = [[text.split("; ")[2] for text in kept] for kept in (inner, outer, memory)]
    assert batches == [["batch 1"], ["batch 2"], ["batch 4"]]


def test_two_threads_that_meet_a_situation_measure_it_once(clock, memory):
    threads = [threading.Thread(target=tune, args=(layer(), images())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.timed == ["bank", "kernel"] * 2
    assert list(memory.values()) == ["kernel"]
