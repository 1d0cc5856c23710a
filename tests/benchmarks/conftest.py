from collections.abc import Iterator

import pytest
import torch

from lrlc_nas.benchmarks.floors import Rates


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    """No test sees the random numbers of another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def _known_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the large product and copy."""
    monkeypatch.setattr("lrlc_nas.benchmarks.benchmark.measure_rates", lambda *_: Rates(2e9, 1e9))
