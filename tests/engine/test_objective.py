import pickle

import optuna
import pytest
import torch
import toy_study
import troubled_hosts
from optuna.trial import TrialState

from lrlc_nas.choices import Plan
from lrlc_nas.engine import Objective
from lrlc_nas.errors import InputError


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_a_study_of_the_users_own_maximises_the_accuracy():
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(Objective(toy_study.config()), n_trials=3)
    for trial in study.trials:
        assert trial.params.keys() == {"first", "second"}
        assert set(trial.params.values()) <= {"conv", "lrlc-2", "lrlc-3", "lc"}
        assert (trial.state, trial.value) == (TrialState.COMPLETE, trial.intermediate_values[2])
        assert list(trial.intermediate_values) == [0, 1, 2]


def test_the_same_plan_and_number_give_the_same_accuracy():
    objective = Objective(toy_study.config())
    params = {"first": "lc", "second": "conv"}
    one, again, other = (objective(optuna.trial.FixedTrial(params, number=number)) for number in (4, 4, 5))
    assert one == again != other


def test_it_equals_the_run_of_a_study_with_the_same_seed(uninterrupted):
    run = uninterrupted.runs(uninterrupted.study("toy"))[4]
    params = {site: run.plan.at(site).token for site in ("first", "second")}
    assert Objective(toy_study.config())(optuna.trial.FixedTrial(params, number=run.seed)) == run.value


def test_the_users_pruner_decides():
    class Never(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return True

    study = optuna.create_study(direction="maximize", pruner=Never())
    study.optimize(Objective(toy_study.config()), n_trials=1)
    assert study.trials[0].state == TrialState.PRUNED
    assert list(study.trials[0].intermediate_values) == [0]


@pytest.mark.parametrize("trouble", ["diverges", "out of memory", "out of memory of the CPU"])
def test_a_network_that_cannot_be_trained_is_pruned(trouble):
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"first": "conv", "second": "lc"})
    study.optimize(Objective(toy_study.config(host={"options": {"trouble": trouble}})), n_trials=1)
    assert study.trials[0].state == TrialState.PRUNED


@pytest.mark.parametrize("moment", ["build", "forward", "backward"])
def test_where_memory_runs_out_nothing_stays_whatever_becomes_of_the_error(moment, monkeypatch):
    monkeypatch.setattr(troubled_hosts, "LEFT", [])
    objective = Objective(troubled_hosts.config(f"full: {moment}"))
    with pytest.raises(optuna.TrialPruned, match=f"infeasible: out of memory: simulated: {moment}"):
        objective(optuna.trial.FixedTrial({"first": "conv", "second": "lc"}))
    with pytest.raises(optuna.TrialPruned) as caught:
        objective(optuna.trial.FixedTrial({"first": "conv", "second": "lc"}))
    assert caught.value.__context__ is None
    assert len(troubled_hosts.LEFT) == 4
    assert not any(left() is not None for left in troubled_hosts.LEFT)


def test_a_plan_that_is_too_large_as_a_whole_is_pruned_before_its_first_step():
    objective = Objective(toy_study.config(space={"choices": ["lc"]}))
    both = Plan.of({"first": "lc", "second": "lc"})
    between = objective.prepared.cost(both).parameters / objective.prepared.host.parameters - 0.01
    objective = Objective(toy_study.config(space={"choices": ["lc"], "max_parameters": between}))
    study = optuna.create_study(direction="maximize")
    study.enqueue_trial({"first": "lc", "second": "lc"})
    study.enqueue_trial({"first": "conv", "second": "lc"})
    study.optimize(objective, n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["PRUNED", "COMPLETE"]
    assert study.trials[0].intermediate_values == {}


def test_a_bug_is_the_users_to_see():
    objective = Objective(toy_study.config(host={"options": {"trouble": "bug"}}))
    with pytest.raises(ValueError, match="no such"):
        objective(optuna.trial.FixedTrial({"first": "conv", "second": "lc"}))


def test_it_leaves_torchs_random_numbers_alone():
    before = torch.random.get_rng_state()
    Objective(toy_study.config(recipe={"epochs": 1}))(optuna.trial.FixedTrial({"first": "lc", "second": "lc"}))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_it_may_be_pickled():
    objective = Objective(toy_study.config())
    again = pickle.loads(pickle.dumps(objective))
    assert again.prepared.host_fingerprint == objective.prepared.host_fingerprint


@pytest.mark.parametrize("directions", [["minimize"], ["maximize", "maximize"]])
def test_a_study_of_other_objectives_is_refused_with_a_sentence(directions: list[str]):
    study = optuna.create_study(directions=directions)
    with pytest.raises(InputError, match="one value, accuracy, to maximize; the study is to m"):
        study.optimize(Objective(toy_study.config()), n_trials=1)
