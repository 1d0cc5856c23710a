import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.search.pruning import audited, falls_behind, is_rung


@pytest.mark.parametrize(
    ("least", "reduction", "rungs"), [(1, 2, {1, 2, 4, 8, 16}), (2, 3, {2, 6, 18}), (5, 4, {5, 20}), (30, 2, set())]
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
        not falls_behind(accuracies[i], accuracies[:i] + accuracies[i + 1 :], reduction) for i in range(len(accuracies))
    ]
    assert verdicts == survivors(accuracies, reduction)


def test_the_first_to_reach_a_rung_goes_on():
    assert not falls_behind(0.0, [], 2)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_audited_runs_is_that_asked_for(share):
    drawn = [audited(7, number, share) for number in range(4000)]
    assert np.mean(drawn) == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 4000))


def test_who_is_audited_depends_on_seed_and_number_alone():
    assert [number for number in range(24) if audited(0, number, 0.1)] == [4, 11, 18, 22]
    assert {audited(seed, 4, 0.1) for seed in range(30)} == {True, False}


@given(st.integers(0, 99), st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_audits_all_of_a_smaller_one(seed, number, one, other):
    assert audited(seed, number, min(one, other)) <= audited(seed, number, max(one, other))
