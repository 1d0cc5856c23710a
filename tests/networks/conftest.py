import pytest
import torch


@pytest.fixture(autouse=True)
def _own_random_numbers():
    """No test sees the random numbers of another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
