"""`read_study` on a study of Optuna's alone: the evidence is that of its trials, whoever made them."""

import itertools
import json

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from lrlc_nas import Metric, read_study
from lrlc_nas.errors import InputError

TOKENS = ("conv", "lrlc-2", "lc")
SITES = {"a": CategoricalDistribution(TOKENS), "b": CategoricalDistribution(TOKENS)}
GAINS = {"conv": 0.0, "lrlc-2": 0.02, "lc": -0.01}
IOU = Metric("IoU", unit="points", scale=100)


def truth(a: str, b: str) -> float:
    return 0.5 + GAINS[a] - 2 * GAINS[b]


def factorial(direction: str = "maximize", sign: float = 1.0, **changes: object) -> optuna.Study:
    study = optuna.create_study(study_name="seg", direction=direction)
    for number, (a, b) in enumerate([("conv", "conv"), *itertools.product(TOKENS, TOKENS)]):
        value = sign * (truth(a, b) + (0.001 if number % 2 else -0.001))
        made = {"params": {"a": a, "b": b}, "distributions": SITES, "value": value} | changes
        study.add_trial(create_trial(**made))
    return study


def effects(reading: object) -> dict[tuple[str, str], float]:
    return {(e.site, e.choice): round(e.estimate, 6) for e in reading.screening.effects}  # type: ignore[attr-defined]


def test_effects_are_those_of_the_trials_in_the_unit_of_the_metric() -> None:
    reading = read_study(factorial(), metric=IOU)
    expected = {("a", "lrlc-2"): 2, ("a", "lc"): -1, ("b", "lrlc-2"): -4, ("b", "lc"): 2}
    for cell, estimate in effects(reading).items():
        assert estimate == pytest.approx(expected[cell], abs=0.2)
    assert reading.screening.host.mean == pytest.approx(50, abs=0.2)
    assert reading.metric == IOU
    assert set(reading.importances) <= {"a", "b"}


def test_less_is_better_where_it_is_minimised() -> None:
    lost = read_study(factorial("minimize", -1.0), metric=Metric("loss", "minimize", scale=100))
    assert effects(lost) == effects(read_study(factorial(), metric=IOU))
    assert lost.screening.host.mean == pytest.approx(-50, abs=0.2)
    plain = read_study(factorial("minimize", -1.0))
    assert (plain.metric.direction, plain.metric.scale) == ("minimize", 1)


def test_pruned_trials_are_used_up_to_where_they_came() -> None:
    study = factorial(intermediate_values={1: 0.3, 4: 0.4})
    study.add_trial(
        create_trial(
            params={"a": "lc", "b": "lc"}, distributions=SITES, state=TrialState.PRUNED, intermediate_values={1: 0.1}
        )
    )
    reading = read_study(study, metric=IOU)
    assert [len(reading.epochs[number]) for number in (0, 10)] == [2, 1]
    assert reading.screening.runs_pruned == 1


def test_it_says_what_the_study_lacks() -> None:
    study = factorial()
    for rate in (0.1, 0.2):
        distributions = SITES | {"rate": FloatDistribution(0, 1)}
        study.add_trial(
            create_trial(params={"a": "lc", "b": "lc", "rate": rate}, distributions=distributions, value=0.5)
        )
    study.add_trial(create_trial(params={"a": "lc"}, distributions={"a": SITES["a"]}, value=0.9))
    told = " ".join(read_study(study).screening.caveats)
    assert "also differ in rate" in told
    assert "1 of the 13 trials lack a site" in told
    assert "No trial comes from a balanced block" in told


def test_a_study_in_which_nothing_can_be_read_is_refused() -> None:
    with pytest.raises(InputError, match=r"no parameter is a site.* the parameters are \(none\)"):
        read_study(optuna.create_study(study_name="empty"))
    with pytest.raises(InputError, match="has 2 objectives"):
        read_study(optuna.create_study(directions=["maximize", "minimize"]), metric=IOU)
    with pytest.raises(InputError, match="is to minimize, but the metric 'IoU' to maximize"):
        read_study(factorial("minimize"), metric=IOU)


def test_what_suggest_left_is_read_back() -> None:
    left = {"space": dict.fromkeys("ab", TOKENS), "left_out": {}, "sites": {"a": {"positions": 3}}, "seed": 9}
    study = factorial(user_attrs={"lrlc_nas": json.loads(json.dumps(left | {"parameters": 5, "macs": 6}))})
    reading = read_study(study)
    assert {(run.seed, run.parameters, run.macs) for run in reading.runs} == {(9, 5, 6)}
    assert [site.name for site in reading.study.sites] == ["a"]
