import math

import pytest
from torch import nn

from lrlc_nas.config import Recipe
from lrlc_nas.errors import InputError
from lrlc_nas.training.optimisation import make_optimizer, make_schedule


def learning_rates(recipe, steps):
    optimizer = make_optimizer(nn.Linear(2, 2), recipe)
    schedule = make_schedule(optimizer, recipe, steps)
    rates = []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps - 1:
            schedule.step()
    return rates


def between(start, end, fraction):
    return end + (start - end) / 2 * (1 + math.cos(math.pi * fraction))


def test_one_cycle_against_its_formula():
    rates = learning_rates(Recipe(learning_rate=0.5, warmup=0.3), steps=20)
    top, first = 0.3 * 20 - 1, 0.5 / 25
    for step, rate in enumerate(rates):
        if step <= top:
            expected = between(first, 0.5, step / top)
        else:
            expected = between(0.5, first / 1e4, (step - top) / (19 - top))
        assert rate == pytest.approx(expected, rel=1e-9), step
    assert max(rates) == pytest.approx(0.5)


def test_cosine_against_its_formula():
    rates = learning_rates(Recipe(learning_rate=0.5, warmup=0.3, schedule="cosine"), steps=20)
    for step, rate in enumerate(rates):
        rising, falling = 1 / 25 + (1 - 1 / 25) * step / 6, between(1, 0, (step - 6) / 14)
        expected = 0.5 * (rising if step < 6 else falling)
        assert rate == pytest.approx(expected, rel=1e-9), step


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
def test_any_number_of_steps_and_any_warmup(schedule):
    for steps in range(1, 13):
        for warmup in (0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.9, 0.99):
            rates = learning_rates(Recipe(learning_rate=0.5, warmup=warmup, schedule=schedule), steps)
            assert all(0 < rate <= 0.5 + 1e-12 for rate in rates), (steps, warmup, rates)


@pytest.mark.parametrize("schedule", ["one-cycle", "cosine"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_momentum_is_the_recipes(optimizer, schedule):
    recipe = Recipe(optimizer=optimizer, schedule=schedule, momentum=0.7)
    made = make_optimizer(nn.Linear(2, 2), recipe)
    make_schedule(made, recipe, steps=10)
    for group in made.param_groups:
        assert (group["momentum"] if optimizer == "sgd" else group["betas"][0]) == 0.7


def test_sgd_is_nesterov_where_there_is_momentum():
    assert make_optimizer(nn.Linear(2, 2), Recipe()).param_groups[0]["nesterov"]
    assert not make_optimizer(nn.Linear(2, 2), Recipe(momentum=0.0)).param_groups[0]["nesterov"]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_only_kernels_decay(optimizer):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    network[0].bias.requires_grad_(False)
    made = make_optimizer(network, Recipe(optimizer=optimizer, weight_decay=0.01))
    decay = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    expected = {id(p): 0.01 * (p.ndim > 1) for p in network.parameters() if p.requires_grad}
    assert decay == expected


def test_a_frozen_network_is_rejected():
    network = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(InputError, match="must have at least one trainable parameter, but has none"):
        make_optimizer(network, Recipe())
