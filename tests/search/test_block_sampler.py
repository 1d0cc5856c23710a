"""The balanced block in a study of Optuna's: first, whole, once, and never pruned."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from optuna.pruners import BasePruner
from optuna.trial import TrialState
from toy_network import SAMPLE, Two

from lrlc_nas import BlockPruner, BlockSampler, suggest
from lrlc_nas.choices import Plan
from lrlc_nas.errors import InputError

CHOICES = ("lrlc-2", "lc")
SINGLES = [{}, {}, {"first": "lrlc-2"}, {"first": "lc"}, {"second": "lrlc-2"}, {"second": "lc"}]


def objective(trial: optuna.Trial) -> float:
    suggest(trial, Two(), SAMPLE, CHOICES)
    return float(trial.number)


def plans(study: optuna.Study) -> list[dict[str, str]]:
    return [Plan.of({name: trial.params[name] for name in ("first", "second")}).tokens for trial in study.trials]


def counted(found: list[dict[str, str]]) -> Counter[Plan]:
    return Counter(map(Plan.of, found))


@pytest.fixture
def new_study(tmp_path: Path) -> Callable[..., optuna.Study]:
    def make(**options: object) -> optuna.Study:
        return optuna.create_study(study_name="own", storage=f"sqlite:///{tmp_path}/own.db", **options)

    return make


def test_the_block_comes_first_and_the_base_after_it(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=BlockSampler(optuna.samplers.RandomSampler(seed=0), host_repeats=2))
    study.optimize(objective, n_trials=12)
    assert plans(study)[:6] == SINGLES
    assert len(counted(plans(study)[6:])) > 2


@pytest.mark.parametrize("storage", ["memory", "file"])
def test_of_trials_that_run_together_each_plan_of_the_block_has_one(
    new_study: Callable[..., optuna.Study], storage: str
) -> None:
    sampler = BlockSampler(host_repeats=2)
    study = optuna.create_study(sampler=sampler) if storage == "memory" else new_study(sampler=sampler)
    trials = [study.ask() for _ in range(6)]  # all of them have begun before any knows its sites
    for trial in reversed(trials):
        suggest(trial, Two(), SAMPLE, CHOICES)
    assert counted(plans(study)) == counted(SINGLES)


def test_a_plan_whose_trials_failed_comes_again(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=BlockSampler(host_repeats=2))
    failing = {1, 3, 6}

    def sometimes(trial: optuna.Trial) -> float:
        value = objective(trial)
        if trial.number in failing:
            raise RuntimeError("out of luck")
        return value

    study.optimize(sometimes, n_trials=9, catch=RuntimeError)
    whole = [plan for plan, trial in zip(plans(study), study.trials, strict=True) if trial.state == TrialState.COMPLETE]
    assert counted(whole) == counted(SINGLES)


def test_trials_before_it_and_enqueued_ones_take_nothing_away(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=3)
    study.sampler = BlockSampler(host_repeats=2)
    study.enqueue_trial({"first": "lc", "second": "lc"})
    study.optimize(objective, n_trials=7)
    assert plans(study)[3:] == [{"first": "lc", "second": "lc"}, *SINGLES]


def test_a_small_budget_has_a_balanced_fraction(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=BlockSampler(trials=9, host_repeats=1))
    study.optimize(objective, n_trials=4)
    assert plans(study)[0] == {}
    for site in ("first", "second"):
        tokens = Counter(plan.get(site, "conv") for plan in plans(study)[1:])
        assert set(tokens.values()) == {1}, tokens


def test_a_study_without_suggest_has_a_block_as_well(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=BlockSampler(host_repeats=2))
    tokens = ("conv", *CHOICES)

    def by_hand(trial: optuna.Trial) -> float:
        trial.suggest_float("rate", 0.0, 1.0)
        return float(len({trial.suggest_categorical(site, tokens) for site in ("first", "second")}))

    study.optimize(by_hand, n_trials=6)
    assert plans(study) == SINGLES


class Always(BasePruner):
    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return True


def test_the_block_is_not_pruned(new_study: Callable[..., optuna.Study]) -> None:
    study = new_study(sampler=BlockSampler(host_repeats=2), pruner=BlockPruner(Always()))

    def pruned(trial: optuna.Trial) -> float:
        value = objective(trial)
        trial.report(value, 0)
        if trial.should_prune():
            raise optuna.TrialPruned
        return value

    study.optimize(pruned, n_trials=8)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 6 + [TrialState.PRUNED] * 2


def test_who_asks_for_no_host_is_refused() -> None:
    with pytest.raises(
        InputError, match="host_repeats must be at least 1, and trials more than host_repeats; got 5 of 5"
    ):
        BlockSampler(trials=5, host_repeats=5)
