"""The best so far never falls, and what chance gives is the mean over all draws."""

from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import mean

import pytest

from lrlc_nas.report.figures.anytime import anytime, best_of, draw_anytime

START = datetime(2026, 1, 1, tzinfo=UTC)


def make(new_run, new_epochs):
    """Ended in the order 1, 0, 2, 3, 4; the last but one was pruned."""
    values = [0.6, 0.5, 0.9, 0.95, 0.8]
    minutes = [2, 1, 3, 4, 5]
    runs = [
        new_run(
            number,
            {"conv1": "lc"} if number else {},
            value,
            finished=START + timedelta(minutes=minute),
            role="sampled" if number > 2 else "single",
            state="pruned" if number == 3 else "complete",
        )
        for number, (value, minute) in enumerate(zip(values, minutes, strict=True))
    ]
    runs.append(new_run(5, None, None, state="waiting", role="sampled"))
    return anytime(runs, {run.run_id: new_epochs(run, [0.1, 0.2]) for run in runs[:4]})


@pytest.mark.parametrize("values", [[0.5], [0.1, 0.9, 0.4], [0.3, 0.3, 0.8, 0.1, 0.6]])
def test_best_of_k_is_the_mean_over_all_subsets(values):
    assert best_of(values) == pytest.approx(
        [mean(map(max, combinations(values, k))) for k in range(1, len(values) + 1)]
    )


def test_the_course_follows_the_order_in_which_runs_ended(new_run, new_epochs):
    info = make(new_run, new_epochs)
    assert [(step.number, step.runs, step.best) for step in info.steps] == [
        (1, 1, 0.5),
        (0, 2, 0.6),
        (2, 3, 0.9),
        (3, 4, 0.9),
        (4, 5, 0.9),
    ]
    assert [step.seconds for step in info.steps] == [5.0, 10.0, 15.0, 20.0, 20.0]


def test_chance_ends_with_the_block(new_run, new_epochs):
    info = make(new_run, new_epochs)
    assert info.initial == 3
    assert [step.by_chance for step in info.steps] == [*best_of([0.6, 0.5, 0.9]), None, None]
    assert info.initial_seconds == 5.0


def test_both_axes_can_be_drawn(new_run, new_epochs):
    info = make(new_run, new_epochs)
    for by, last in (("runs", 5), ("seconds", 20.0)):
        best, chance = draw_anytime(info, by=by).data
        assert best.x[-1] == last
        assert best.y == tuple(100 * step.best for step in info.steps)
        assert len(chance.x) == 3


def test_nothing_ended_is_an_empty_course():
    assert anytime([], {}).steps == ()
