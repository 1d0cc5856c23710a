import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.study.halving import falls_behind, is_rung


@pytest.mark.parametrize(
    ("least", "reduction", "rungs"),
    [(1, 2, {1, 2, 4, 8, 16}), (2, 3, {2, 6, 18}), (5, 4, {5, 20}), (30, 2, set())],
)
def test_rungs(least, reduction, rungs):
    assert {epochs for epochs in range(1, 21) if is_rung(epochs, least, reduction)} == rungs


def survivors(accuracies, reduction):
    """An oracle: sort, keep the best 1/reduction of them (at least one) and whoever equals the last kept."""
    kept = sorted(accuracies, reverse=True)[: max(1, len(accuracies) // reduction)]
    return [accuracy >= kept[-1] for accuracy in accuracies]


@given(st.lists(st.integers(0, 10), min_size=1, max_size=12), st.integers(2, 4))
def test_it_keeps_those_that_sorting_keeps(accuracies, reduction):
    verdicts = [
        not falls_behind(accuracies[i], accuracies[:i] + accuracies[i + 1 :], reduction)
        for i in range(len(accuracies))
    ]
    assert verdicts == survivors(accuracies, reduction)


def test_the_first_to_reach_a_rung_goes_on():
    assert not falls_behind(0.0, [], 2)
