"""One trial of the user's own study: parameters, network, and what is left on the trial."""

import optuna
import pytest
import torch
from optuna.trial import FixedTrial
from toy_network import SAMPLE, Two

from lrlc_nas import relax, suggest
from lrlc_nas.errors import InputError
from lrlc_nas.search.trial_facts import FACTS

CHOICES = ("lrlc-2", "lc")


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    one, other = first.state_dict(), second.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("plan", [{}, {"first": "lrlc-2"}, {"first": "lc", "second": "lrlc-2"}])
def test_the_network_is_that_of_the_plan_and_the_seed(plan: dict[str, str]) -> None:
    host = Two()
    trial = FixedTrial({"first": "conv", "second": "conv"} | plan, number=7)
    network = suggest(trial, host, SAMPLE, CHOICES)
    assert same(network, relax(host, plan, SAMPLE, init="paper", seed=7))
    facts = trial.user_attrs[FACTS]
    assert facts["space"] == dict.fromkeys(("first", "second"), ("conv", "lrlc-2", "lc"))
    assert facts["parameters"] == sum(each.numel() for each in network.parameters())
    assert (facts["seed"], facts["init"]) == (7, "paper")


def test_an_enqueued_trial_has_what_it_was_given_and_other_parameters_stand_beside() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"second": "lc"})
    trial = study.ask()
    rate = trial.suggest_float("rate", 0.1, 0.2)
    suggest(trial, Two(), SAMPLE, CHOICES, seed=3)
    assert trial.params["second"] == "lc"
    assert trial.params["rate"] == rate
    assert trial.user_attrs[FACTS]["seed"] == 3


def test_a_frozen_trial_gives_its_network_again() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    torch.manual_seed(0)
    host, trial = Two(), study.ask()
    network = suggest(trial, host, SAMPLE, CHOICES)
    study.tell(trial, 1.0)
    assert same(network, suggest(study.trials[0], host, SAMPLE, CHOICES))


def test_sites_can_be_left_out_and_what_is_wrong_is_refused() -> None:
    trial = FixedTrial({"first": "conv"})
    suggest(trial, Two(), SAMPLE, CHOICES, exclude=("second",))
    assert set(trial.user_attrs[FACTS]["space"]) == {"first"}
    with pytest.raises(InputError, match="no convolution that can be relaxed: it has no Conv2d"):
        suggest(trial, torch.nn.Flatten(), SAMPLE)
    with pytest.raises(InputError, match=r"space\.exclude: pattern 'third' matches no site"):
        suggest(trial, Two(), SAMPLE, exclude=("third",))
