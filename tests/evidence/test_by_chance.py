"""How often intervals exclude zero together: against independent ones, and counted by the screening itself."""

import numpy as np
import pytest
from scipy import stats
from toy_designs import design_from_counts
from toy_screening import PLANS, make_runs, make_study

from lrlc_nas.evidence import screen
from lrlc_nas.evidence.by_chance import probability_of_as_many

ERROR = 4 * np.sqrt(0.05 * 0.95 / 1000)


def test_one_interval_excludes_zero_as_often_as_it_says():
    assert probability_of_as_many(design_from_counts(8, [8]), [1], 1) == pytest.approx(0.05, abs=ERROR)


def test_intervals_beside_one_host_exclude_zero_together():
    together = probability_of_as_many(design_from_counts(4, [20] * 9), list(range(1, 10)), 3)
    assert together > 3 * stats.binom.sf(2, 9, 0.05)


def test_more_are_rarer_and_none_is_certain():
    design = design_from_counts(6, [3, 3, 3])
    chances = [probability_of_as_many(design, [1, 2, 3], count) for count in range(4)]
    assert chances[0] == 1
    assert chances == sorted(chances, reverse=True)


def test_it_is_what_screenings_without_effects_show():
    counts, said = [], []
    for seed in range(150):
        values = 0.8 + np.random.default_rng(seed).normal(0, 0.01, len(PLANS))
        screening = screen(make_study(), make_runs(PLANS, values.tolist()), {})
        counts.append(sum(effect.distinguishable for effect in screening.effects))
        said += [screening.by_chance] if counts[-1] == 1 else []
    assert all(each == said[0] for each in said)  # a matter of the design alone
    assert np.mean([count >= 1 for count in counts]) == pytest.approx(said[0], abs=4 * np.sqrt(0.14 / 150))
