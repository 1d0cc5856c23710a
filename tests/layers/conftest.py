import pytest
import torch
from fake_clock import Clock

from lrlc_nas.layers import tuning


@pytest.fixture(autouse=True)
def _own_random_numbers():
    """No test sees the random numbers of another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def memory():
    """The choices of one test, known to no other."""
    memory = {}
    with tuning.remembering(memory):
        yield memory


@pytest.fixture
def clock(monkeypatch, memory):
    """The kernel path is the faster, until the test tells other times."""
    clock = Clock(bank=2.0, kernel=1.0)
    monkeypatch.setattr(tuning, "step_seconds", clock)
    return clock
