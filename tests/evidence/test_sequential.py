"""The laws of spending the error rate over looks."""

import pytest

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.sequential import ALPHA, alpha_of_look, check_sizes


def test_the_first_look_spends_four_fifths_and_each_later_one_a_fifth_of_the_last():
    levels = [alpha_of_look(look) for look in (1, 2, 3)]
    assert levels == pytest.approx([0.04, 0.008, 0.0016])


@pytest.mark.parametrize("looks", [1, 5, 50])
def test_no_number_of_looks_spends_more_than_alpha(looks):
    assert sum(alpha_of_look(look) for look in range(1, looks + 1)) <= ALPHA * (1 + 1e-12)


def test_all_looks_together_spend_all_of_it():
    assert sum(alpha_of_look(look, 0.1) for look in range(1, 50)) == pytest.approx(0.1)


def test_looks_are_counted_from_one():
    with pytest.raises(InputError, match="but look 0 was asked for"):
        alpha_of_look(0)


@pytest.mark.parametrize("alpha", [0, 1, 5])
def test_alpha_lies_between_zero_and_one(alpha):
    with pytest.raises(InputError, match=f"between 0 and 1, but is {alpha}"):
        alpha_of_look(1, alpha)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "at least one look"),
        ([5, 5], r"more seeds than the one before, but the sizes are \[5, 5\]"),
        ([0, 5], "more seeds than the one before"),
        ([5, 11], "the last look is at 11 seeds, but the arms have 10"),
    ],
)
def test_sizes_grow_within_the_seeds_that_there_are(sizes, message):
    with pytest.raises(InputError, match=message):
        check_sizes(sizes, 10)


def test_good_sizes_come_back():
    assert check_sizes([5, 10], 12) == (5, 10)
