"""Out of memory: the candidate is pruned, and the process that met it trains the next."""

import pytest
from slow_cases import mostly_slow

from tests.reliability import shortage
from tests.reliability.shortage import MOMENTS, Shortage, run_out_of_memory


@pytest.mark.parametrize("moment", mostly_slow(MOMENTS, "backward"))
def test_whoever_is_too_big_is_pruned_and_the_same_process_goes_on(moment, tmp_path):
    assert run_out_of_memory(tmp_path, moment) == Shortage(happened=3, processes=1, broken=())


def test_a_candidate_that_was_not_pruned_would_be_seen(tmp_path, monkeypatch):
    """Here the wrong ones are expected to be."""
    monkeypatch.setattr(shortage, "_is_too_big", lambda seed: seed % 2 == 0)
    done = run_out_of_memory(tmp_path, "forward")
    assert not done.survived
    assert "run 0 is complete , and was to be pruned" in done.broken
