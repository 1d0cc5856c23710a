import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrlc_nas.choices import Choice, Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.errors import InputError
from lrlc_nas.search import shortage
from lrlc_nas.search.initial_design import balanced_block, block_size
from lrlc_nas.search.space import Space

TOKENS = ("conv", "lrlc-2", "lrlc-3", "lrlc-4", "lrlc-8", "lc")


def space_of(*sizes: int) -> Space:
    choices = tuple(map(Choice.parse, TOKENS))
    return Space({f"s{index}": choices[:size] for index, size in enumerate(sizes)}, {})


def roles(block):
    return Counter(run.role for run in block)


def test_every_single_relaxation_comes_where_it_is_affordable():
    block = balanced_block(space_of(3, 2, 2), trials=14, host_repeats=3, seed=0)
    assert [(run.role, run.repeat, str(run.plan)) for run in block] == [
        ("host", 0, "host"),
        ("host", 1, "host"),
        ("host", 2, "host"),
        ("single", 0, "s0=lrlc-2"),
        ("single", 0, "s0=lrlc-3"),
        ("single", 0, "s1=lrlc-2"),
        ("single", 0, "s2=lrlc-2"),
    ]


def test_half_of_the_budget_is_the_limit():
    space = space_of(4, 4, 4)
    assert roles(balanced_block(space, 24, 3, 0)) == {"host": 3, "single": 9}
    assert roles(balanced_block(space, 23, 3, 0)) == {"host": 3, "fraction": 8}


SPACES = st.lists(st.integers(2, 5), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(SPACES, st.integers(2, 60), st.integers(1, 4), st.integers(0, 5))
def test_whatever_the_budget_the_block_takes_at_most_half_of_it_and_no_plan_twice(sizes, trials, repeats, seed):
    space = space_of(*sizes)
    trials = min(trials, space.size - 1 + repeats)
    if trials <= repeats:
        return
    block = balanced_block(space, trials, repeats, seed)
    hosts = [run for run in block if run.role == "host"]
    assert block[:repeats] == hosts
    assert [run.repeat for run in hosts] == list(range(repeats))
    assert {run.plan for run in hosts} == {Plan()}
    others = [run.plan for run in block[repeats:]]
    assert len(set(others)) == len(others)
    assert Plan() not in others
    assert not others or 2 * len(block) <= trials


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2, 5), min_size=2, max_size=10), st.integers(6, 80), st.integers(0, 3))
def test_in_a_fraction_each_choice_stands_at_each_site_equally_often(sizes, trials, seed):
    space = space_of(*sizes)
    levels = math.lcm(*sizes)
    rows = trials // 2 - 2
    singles = sum(size - 1 for size in sizes)
    if rows < levels or 2 * (2 + singles) <= trials or trials > space.size:
        return
    plans = [run.plan for run in balanced_block(space, trials, 2, seed) if run.role == "fraction"]
    assert len(plans) == rows - rows % levels
    for site, choices in space.choices.items():
        assert Counter(plan.at(site) for plan in plans) == dict.fromkeys(choices, len(plans) // len(choices))


def association(space: Space, plans: list[Plan]) -> list[float]:
    """Cramér's V of each pair of sites: 0 where they are orthogonal, 1 where one follows from the other."""
    found = []
    for one, other in itertools.combinations(space.choices, 2):
        table = np.zeros((len(space.choices[one]), len(space.choices[other])))
        for plan in plans:
            table[space.choices[one].index(plan.at(one)), space.choices[other].index(plan.at(other))] += 1
        expected = np.outer(table.sum(1), table.sum(0)) / len(plans)
        chi2 = ((table - expected) ** 2 / expected).sum()
        found.append(math.sqrt(chi2 / len(plans) / (min(table.shape) - 1)))
    return found


def at_random(space: Space, rows: int) -> list[Plan]:
    """Balanced columns in random order: what a fraction must beat."""
    rng = np.random.default_rng(0)
    columns = {
        site: [choices[level] for level in rng.permutation(np.arange(rows) % len(choices))]
        for site, choices in space.choices.items()
    }
    return [Plan.of({site: column[row] for site, column in columns.items()}) for row in range(rows)]


@pytest.mark.parametrize(
    ("sites", "trials", "largest", "mean"),
    [(20, 80, 0.55, 0.22), (12, 60, 0.55, 0.27), (7, 40, 0.55, 0.3)],
    ids=["a ResNet", "twelve sites", "seven sites"],
)
def test_a_fraction_is_near_orthogonal(sites, trials, largest, mean):
    space = space_of(*[4] * sites)
    plans = [run.plan for run in balanced_block(space, trials, 3, 0) if run.role == "fraction"]
    found, random = association(space, plans), association(space, at_random(space, len(plans)))
    assert max(found) < largest
    assert np.mean(found) < mean
    assert np.mean(found) < 0.75 * np.mean(random)
    assert max(found) < max(random)


def test_an_orthogonal_fraction_is_found_where_there_is_one():
    """Three sites of three choices in nine runs, as in the array L9."""
    space = space_of(3, 3, 3, 3, 3, 3)
    plans = [run.plan for run in balanced_block(space, 24, 3, 0) if run.role == "fraction"]
    assert len(plans) == 9
    assert sum(v < 1e-9 for v in association(space, plans)) >= 3


def test_the_block_is_a_function_of_the_seed():
    space = space_of(*[4] * 12)
    first, again, other = (balanced_block(space, 60, 3, seed) for seed in (5, 5, 6))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (3, r"budget.trials must be above search.host_repeats \(= 3\), which come first; got 3"),
        (9, r"the space holds 6 plans, so that at most 8 runs differ \(the host is run 3 times\); got 9"),
    ],
)
def test_a_budget_that_cannot_be_spent_is_refused(trials, message):
    with pytest.raises(InputError, match=message):
        balanced_block(space_of(3, 2), trials, 3, 0)
    assert balanced_block(space_of(3, 2), 8 if trials == 9 else 4, 3, 0)


@pytest.mark.parametrize(("sites", "trials"), [(3, 24), (3, 23), (5, 9), (12, 60), (2, 8)])
def test_its_size_is_known_before_it_is_made(sites, trials):
    space = space_of(*[4] * sites)
    assert block_size(space, trials, 3) >= len(balanced_block(space, trials, 3, 0))
    assert block_size(space, trials, 3) - len(balanced_block(space, trials, 3, 0)) <= 1


SHORT = {
    "a ResNet": (
        [4] * 16,
        60,
        {},
        "note: intervals may be missing: 49 unknowns (the host and 48 effects), but 27 of the 60 runs are never "
        "pruned; budget.trials=102 is enough for all of them",
    ),
    "one run too few": ([4] * 16, 101, {}, "budget.trials=102 is enough"),
    "enough": ([4] * 16, 102, {}, ""),
    "one host": ([4] * 16, 102, {"host_repeats": 1}, "budget.trials=100 and search.host_repeats=2 is enough"),
    "all are trained": ([4] * 16, 60, {"pruner": "none"}, ""),
    "all, and too few": ([4] * 16, 49, {"pruner": "none"}, "there are 49 runs; budget.trials=52 is enough"),
    "a small space": ([4], 6, {}, "raise search.host_repeats, or set search.pruner=none"),
}


@pytest.mark.parametrize(("sizes", "trials", "search", "message"), SHORT.values(), ids=SHORT)
def test_a_budget_that_may_give_no_intervals_is_told(sizes, trials, search, message):
    search = {"pruner": "successive-halving"} | search
    config = StudyConfig.model_validate({"name": "x", "search": search, "budget": {"trials": trials}})
    told = shortage(config, space_of(*sizes))
    assert message in told if message else told == ""
