import itertools
from collections import Counter

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import TrialState, create_trial

from lrlc_nas.choices import Choice, Plan
from lrlc_nas.search.sampler import propose
from lrlc_nas.search.space import Space

TOKENS = ("conv", "lrlc-2", "lc")
SITES = ("a", "b", "c")
SPACE = Space({site: tuple(map(Choice.parse, TOKENS)) for site in SITES}, {})


def gain(tokens: dict[str, str]) -> float:
    """LC at `a` helps, LC at `b` hurts, nothing else matters."""
    return 0.5 + 0.2 * (tokens["a"] == "lc") - 0.2 * (tokens["b"] == "lc")


def finished_study(number: int, state: TrialState = TrialState.COMPLETE) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    plans = list(itertools.product(TOKENS, repeat=3))
    for index in range(number):
        params = dict(zip(SITES, plans[index * 7 % len(plans)], strict=True))
        study.add_trial(
            create_trial(
                state=state,
                value=gain(params),
                params=params,
                distributions=dict.fromkeys(SITES, CategoricalDistribution(TOKENS)),
                intermediate_values={0: gain(params)},
            )
        )
    return study


def proposals(study: optuna.Study, number: int | None = None, seed: int = 0, sampler: str = "tpe") -> list[Plan]:
    storage = study._storage
    trial = storage.get_trial(storage.create_new_trial(study._study_id))
    found = propose(study, trial, SPACE, sampler=sampler, seed=seed)
    return list(itertools.islice(found, number))


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("trials", [0, 20])
def test_the_same_trials_seed_and_number_give_the_same_proposals(sampler, trials):
    first, again = (proposals(finished_study(trials), sampler=sampler) for _ in range(2))
    assert first == again
    assert proposals(finished_study(trials), seed=1, sampler=sampler) != first
    study = finished_study(trials)
    proposals(study)
    assert proposals(study, sampler=sampler) != first, "the next trial has proposals of its own"


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("trials", [0, 20])
def test_whatever_is_taken_a_free_plan_comes(sampler, trials):
    everything = {Plan.of(dict(zip(SITES, tokens, strict=True))) for tokens in itertools.product(TOKENS, repeat=3)}
    found = proposals(finished_study(trials), sampler=sampler)
    assert set(found) == everything


def test_a_space_too_large_to_list_has_proposals_without_end():
    sites = [f"s{index}" for index in range(12)]
    large = Space({site: tuple(map(Choice.parse, TOKENS)) for site in sites}, {})
    study = optuna.create_study()
    trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
    plans = list(itertools.islice(propose(study, trial, large, sampler="random", seed=0), 500))
    assert len(set(plans)) > 490


def first_choices(site: str, study_of, sampler: str, repeats: int = 120) -> Counter[str]:
    return Counter(proposals(study_of(), 1, seed, sampler)[0].at(site).token for seed in range(repeats))


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED], ids=lambda state: state.name)
def test_tpe_prefers_what_helped_and_avoids_what_hurt(state):
    study = finished_study(24, state)
    helped, hurt = (first_choices(site, lambda: study, "tpe") for site in "ab")
    at_random = first_choices("a", lambda: study, "random")
    assert helped["lc"] > 65 > 55 > at_random["lc"]
    assert hurt["lc"] < 28 < at_random["lc"]


def test_tpe_has_more_than_one_idea():
    """The first may be taken; what follows is still TPE's and not yet at random."""
    assert len(set(proposals(finished_study(24), 20))) > 5


def test_a_fresh_study_is_sampled_evenly():
    found = first_choices("a", lambda: optuna.create_study(), "tpe", repeats=150)
    assert all(30 < found[token] < 70 for token in TOKENS)
