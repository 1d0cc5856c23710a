"""A layer of the user's is a choice like ours: costed, tried once, built from the seed, or left out with a reason."""

import own_tvconv
import pytest
import torch
from torch import nn

from lrlc_nas import relax
from lrlc_nas.choices import Choice, Plan, controls
from lrlc_nas.config import SpaceSection
from lrlc_nas.errors import InputError
from lrlc_nas.networks import host_cost, plan_cost, survey
from lrlc_nas.search.space import build_space

OWN = "own_tvconv:scaled"
SAMPLE = torch.rand(2, 2, 6, 6)
HOST = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3, stride=2))


def space(*choices: str):
    found, cost = survey(HOST, SAMPLE), host_cost(HOST, SAMPLE)
    return build_space(SpaceSection(choices=choices), found, cost, lambda total: total.training_bytes(2))


def test_it_stands_in_the_space_after_ours_in_one_order() -> None:
    assert space(OWN, "lrlc-2", "own_tvconv:scaled", "lc").tokens == {
        "0": ("conv", "lrlc-2", "lc", OWN),
        "2": ("conv", "lrlc-2", "lc", OWN),
    }
    assert Choice.parse(OWN).token == OWN
    assert Plan.from_json(Plan.of({"0": OWN}).to_json()) == Plan.of({"0": OWN})


def test_it_is_built_from_the_seed_and_its_cost_is_that_of_the_network() -> None:
    plan = Plan.of({"0": OWN, "2": "lrlc-2"})
    network, again, other = (relax(HOST, plan, SAMPLE, init="paper", seed=seed) for seed in (1, 1, 2))
    assert isinstance(network[0], own_tvconv.Scaled)
    assert torch.equal(network(SAMPLE), again(SAMPLE))
    assert not torch.equal(network[0].scale, other[0].scale)
    cost = plan_cost(host_cost(HOST, SAMPLE), survey(HOST, SAMPLE), plan)
    assert cost.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_our_controls_stand_beside_it() -> None:
    plan = Plan.of({"0": OWN})
    found = controls(plan, {("0", Choice.parse(OWN)): 4})
    assert {"wide", "coord", "position-vector", "lc"} <= found.keys()
    assert plan.relaxes


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fails", "failed: ValueError: only odd kernels"),
        ("narrow", r"must give shape \(2, 3, 6, 6\), but gives \(2, 1, 6, 6\)"),
        ("no_module", "must return a torch.nn.Module, but returned a NoneType"),
        ("missing", "has no such name"),
    ],
)
def test_what_cannot_stand_there_is_left_out_with_the_reason(name: str, told: str) -> None:
    left_out = space("lrlc-2", f"own_tvconv:{name}").left_out
    with pytest.raises(InputError, match=told):
        relax(HOST, {"0": f"own_tvconv:{name}"}, SAMPLE)
    assert left_out.keys() == {"0", "2"}
