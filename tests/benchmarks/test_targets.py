"""Judging made-up times."""

import pytest
from bench_samples import comparison, entry

from lrlc_nas.benchmarks.racing import Spread
from lrlc_nas.benchmarks.records import Comparison, Outcome
from lrlc_nas.benchmarks.targets import TARGETS, outcomes
from lrlc_nas.layers.low_rank import COMPUTATIONS


def judged(words: str, compared: Comparison, device: str = "cpu") -> Outcome:
    (found,) = [outcome for outcome in outcomes([compared], device) if outcome.target == words]
    return found


def test_nothing_is_judged_that_was_not_measured() -> None:
    assert outcomes([comparison(entry("conv", 0, 1.0))], "cpu") == ()
    assert outcomes([], "cpu") == ()


@pytest.mark.parametrize("rank", [4, 8])
def test_against_separate_convolutions(rank: int) -> None:
    words = f"K={rank}: K convolutions + einsum over LRLC"
    compared = comparison(entry("lrlc", rank, 1.0, 2.0, 4.0), entry("einsum", rank, 4.0, 8.0, 8.0))
    outcome = judged(words, compared)
    assert outcome.ratio == Spread(4, 3, 4)
    assert (outcome.at_least, outcome.met, outcome.case) == (True, True, "")
    assert judged(words, compared, "cuda:1").met == (rank == 4)  # at least 3 and 5


def test_growth_with_the_rank() -> None:
    compared = comparison(entry("lrlc", 2, 1.0, 1.0), entry("lrlc", 16, 1.8, 2.0))
    assert judged("LRLC: K=16 over K=2", compared).ratio.median == pytest.approx(1.9)
    assert judged("LRLC: K=16 over K=2", compared).met
    assert not judged("LRLC: K=16 over K=2", compared, "cuda").met


def test_against_convolution_the_worst_rank_up_to_8_counts() -> None:
    ours = [entry("lrlc", rank, seconds) for rank, seconds in ((1, 1.0), (4, 6.0), (8, 3.0), (16, 9.0))]
    outcome = judged("LRLC, K<=8, over convolution", comparison(entry("conv", 0, 1.0), *ours))
    assert (outcome.case, outcome.ratio.median, outcome.met) == ("K=4", 6, False)


def test_against_unfold() -> None:
    compared = comparison(entry("lc", 0, 1.0, 1.0, peak=1), entry("unfold", 0, 9.0, 13.0, peak=9))
    time = judged("unfold x weight, sum over LC", compared)
    memory = judged("LC over unfold x weight, sum: memory", compared)
    assert (time.ratio.median, time.met) == (11, True)
    assert (memory.ratio.median, memory.met) == (1 / 9, True)


def test_a_chosen_path_is_held_to_the_path_of_the_better_median() -> None:
    """Not to the better path of each round: no path is that good."""
    first, second = COMPUTATIONS[:2]
    compared = comparison(
        entry("lrlc", 2, 2.0, 3.0, 2.0, forward=(1.0,)),
        entry(first, 2, 2.0, 3.0, 2.0, forward=(2.0,)),
        entry(second, 2, 9.0, 1.0, 9.0, forward=(0.5,)),
    )
    training = judged("LRLC over its best path", compared)
    assert (training.case, training.ratio, training.met) == (f"K=2, {first}", Spread(1, 1, 1), True)
    forward = judged("LRLC over its best path: forward", compared)
    assert (forward.case, forward.ratio.median, forward.met) == (f"K=2, {second}", 2, False)


def test_outcomes_come_target_by_target() -> None:
    compared = comparison(entry("lc", 0, 1.0, peak=1), entry("unfold", 0, 9.0, peak=9))
    words = [outcome.target for outcome in outcomes([compared, compared], "cpu")]
    order = [target.words for target in TARGETS if target.words in words]
    assert words == [each for each in order for _ in range(2)]


def test_a_limit_itself_is_met() -> None:
    compared = comparison(entry("lrlc", 8, 1.0), entry("einsum", 8, 3.0), entry("conv", 0, 0.2))
    assert judged("K=8: K convolutions + einsum over LRLC", compared).met
    assert judged("LRLC, K<=8, over convolution", compared).met
