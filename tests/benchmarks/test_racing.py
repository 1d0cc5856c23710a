"""The harness, with contenders that do nothing but take time on a clock of their own."""

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, pairwise, permutations, repeat

import pytest

from lrlc_nas.benchmarks.racing import Effort, Spread, paired_ratio, race, shuffled


class Clock:
    """It stands still but for the contenders; ``calls`` are those made so far, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def contender(self, name: str, seconds: Iterable[float]) -> Callable[[], None]:
        times: Iterator[float] = iter(seconds)

        def call() -> None:
            self.calls.append(name)
            self.now += next(times)

        return call


def test_whom_a_contender_follows_changes() -> None:
    orders = list(shuffled("abcd", 40, seed=1))
    assert all(sorted(order) == list("abcd") for order in orders)
    assert {pair for order in orders for pair in pairwise(order)} == set(permutations("abcd", 2))
    assert orders == list(shuffled("abcd", 40, seed=1)) != list(shuffled("abcd", 40, seed=2))


def test_each_round_runs_every_contender_once() -> None:
    clock = Clock()
    contenders = {name: clock.contender(name, repeat(1.0)) for name in "abc"}
    race(contenders, Effort(warmup=2, rounds=3), clock=clock)
    assert [sorted(clock.calls[i : i + 3]) for i in range(0, 15, 3)] == [list("abc")] * 5


def test_warm_up_is_not_counted() -> None:
    clock = Clock()
    contenders = {"a": clock.contender("a", [100, 90, 1, 2, 3]), "b": clock.contender("b", [50, 60, 4, 5, 6])}
    found = race(contenders, Effort(warmup=2, rounds=3), clock=clock)
    assert found == {"a": (1, 2, 3), "b": (4, 5, 6)}


def test_drift_cancels_in_paired_ratios() -> None:
    """A machine that gets slower and slower does not move the ratio, though it does move the times."""
    clock = Clock()
    slower = [1.0, 2.0, 4.0, 8.0]
    contenders = {"a": clock.contender("a", slower), "b": clock.contender("b", [3 * seconds for seconds in slower])}
    found = race(contenders, Effort(warmup=1, rounds=3), clock=clock)
    assert paired_ratio(found["b"], found["a"]) == Spread(3, 3, 3)
    assert Spread.of(found["a"]) == Spread(4, 3, 6)


def test_patience_ends_the_rounds_but_not_before_the_least() -> None:
    for patience, least, rounds in [(100, 2, 7), (8.0, 2, 4), (0.0, 2, 2), (0.0, 3, 3), (7.9, 2, 4)]:
        clock = Clock()
        contenders = {name: clock.contender(name, repeat(1.0)) for name in "ab"}
        effort = Effort(warmup=1, rounds=7, patience=patience, at_least=least)
        assert len(race(contenders, effort, clock=clock)["a"]) == rounds, (patience, least)


def test_a_fast_contender_is_called_once_more_and_until_its_turn_is_long_enough() -> None:
    clock = Clock()
    contenders = {
        "fast": clock.contender("fast", repeat(0.25)),
        "slow": clock.contender("slow", repeat(2.0)),
        "instant": clock.contender("instant", repeat(0.0)),
    }
    found = race(contenders, Effort(warmup=1, rounds=1, turn=1.0), clock=clock)
    assert [clock.calls.count(name) for name in contenders] == [1 + 1 + 4, 1 + 1, 1 + 1 + 64]
    assert found == {"fast": (0.25,), "slow": (2.0,), "instant": (0.0,)}  # of one call


def test_the_device_is_waited_for_on_both_sides() -> None:
    """Work that is only finished by waiting belongs to the contender that asked for it."""
    clock = Clock()
    pending = 0.0

    def ask() -> None:
        nonlocal pending
        pending += 5.0

    def wait() -> None:
        nonlocal pending
        clock.now += pending
        pending = 0.0

    contenders = {"asks": ask, "works": clock.contender("works", cycle([1.0]))}
    found = race(contenders, Effort(warmup=1, rounds=2), wait=wait, clock=clock)
    assert found == {"asks": (5.0, 5.0), "works": (1.0, 1.0)}


@pytest.mark.parametrize(
    ("values", "spread"),
    [([3.0], Spread(3, 3, 3)), ([1.0, 3.0], Spread(2, 1.5, 2.5)), ([5.0, 1.0, 4.0, 2.0, 3.0], Spread(3, 2, 4))],
)
def test_quartiles(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread


def test_ratios_are_of_the_same_round() -> None:
    """The ratio of the medians would be 1."""
    assert paired_ratio([1.0, 2.0, 9.0], [2.0, 1.0, 3.0]) == Spread(2, 1.25, 2.5)


def test_ratios_need_as_many_rounds() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])
