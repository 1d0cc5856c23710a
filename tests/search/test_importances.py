"""Optuna's importances: as Optuna gives them, and nothing where there are none."""

import json

import optuna
import pytest

from lrlc_nas.search import study_importances
from lrlc_nas.search.importances import importances
from lrlc_nas.search.optuna_view import OptunaView


def made_up(values):
    """A study in which the first site decides and the second does nothing."""
    study = optuna.create_study(direction="maximize")
    space = {site: optuna.distributions.CategoricalDistribution(("conv", "lc")) for site in ("first", "second")}
    for number, value in enumerate(values):
        params = {"first": ("conv", "lc")[number % 2], "second": ("conv", "lc")[number // 2 % 2]}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))
    return study


def test_the_site_that_decides_is_the_important_one():
    found = importances(made_up([number % 2 + 0.01 * number / 40 for number in range(40)]))
    assert sum(found.values()) == pytest.approx(1)
    assert found["first"] > found["second"]


@pytest.mark.parametrize("complete", [0, 1])
def test_there_are_none_without_complete_trials(complete):
    assert importances(made_up([0.5] * complete)) == {}


def test_those_of_a_study_are_read_from_its_database(uninterrupted):
    record = uninterrupted.study("toy")
    found = study_importances(uninterrupted, "toy")
    assert found == importances(OptunaView(uninterrupted, "toy", record.space).study)
    assert set(found) == set(record.space)
    assert json.loads(json.dumps(found)) == found


def test_there_are_none_without_the_optuna_side(store):
    store.create()
    assert study_importances(store, "toy") == {}
