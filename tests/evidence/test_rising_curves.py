"""Curves that still rise at their end are told, whatever the metric, and those that do not are not."""

from dataclasses import replace

import numpy as np
import pytest
from toy_epochs import an_epoch
from toy_screening import PLANS, make_runs, make_study

from lrlc_nas.config import ACCURACY, Metric
from lrlc_nas.evidence import screen
from lrlc_nas.evidence.rising_curves import rising_curves

RUNS = make_runs(PLANS, [0.8 + 0.001 * number for number in range(len(PLANS))])
STEADY = np.linspace(0.4, 0.8, 12)
SETTLED = 0.8 - 0.4 * np.exp(-np.arange(12.0))


def recorded(values, **scores):
    curve = [replace(an_epoch(number, float(value)), scores=scores) for number, value in enumerate(values)]
    return {run.run_id: curve for run in RUNS}


def test_a_steady_rise_is_told_and_a_settled_curve_is_not():
    found = rising_curves(RUNS, recorded(STEADY), ACCURACY)
    assert found.gain == pytest.approx(100 * (STEADY[-1] - STEADY[-4]))
    assert found.share == pytest.approx(3 / 11)
    assert rising_curves(RUNS, recorded(SETTLED), ACCURACY) is None
    assert rising_curves(RUNS, recorded(STEADY[::-1]), ACCURACY) is None


def test_less_may_be_better():
    loss = Metric("loss", "minimize")
    assert rising_curves(RUNS, recorded(-STEADY), loss).share == pytest.approx(3 / 11)
    assert rising_curves(RUNS, recorded(STEADY), loss) is None


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_few_epochs_tell_nothing(length):
    assert rising_curves(RUNS, recorded(STEADY[:length]), ACCURACY) is None
    assert rising_curves([], {}, ACCURACY) is None


def test_runs_that_know_their_training_images_have_little_left_to_learn():
    assert rising_curves(RUNS, recorded(STEADY, train_accuracy=0.97), ACCURACY) is None
    found = rising_curves(RUNS, recorded(STEADY, train_accuracy=0.81), ACCURACY)
    assert found.trained == pytest.approx(0.81)
    assert "training accuracy 81 %" in found.sentence(ACCURACY)


def test_it_is_the_first_caveat_of_a_screening():
    screening = screen(make_study(), RUNS, recorded(STEADY))
    assert screening.caveats[0] == screening.rising.sentence(ACCURACY)
    assert screen(make_study(), RUNS, recorded(SETTLED)).rising is None
