import pytest
import torch
from torch import nn

from lrlc_nas.choices import CONV, Choice
from lrlc_nas.config import SpaceSection
from lrlc_nas.errors import InputError
from lrlc_nas.networks import Cost, host_cost, site_cost, survey
from lrlc_nas.networks.hosts import build_host
from lrlc_nas.search.space import build_space, extra_cost

BATCH = 4
SAMPLE = torch.zeros(1, 2, 8, 8)


def network():
    return nn.ModuleDict(
        {"stem": nn.Conv2d(2, 3, 3), "body": nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3))}
    )


class Host(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = network()

    def forward(self, images):
        return self.parts["body"](self.parts["stem"](images)).mean((2, 3))


def space(copies=3, **section):
    host = Host()

    def training_bytes(cost):
        return cost.training_bytes(BATCH, copies)

    return build_space(SpaceSection(**section), survey(host, SAMPLE), host_cost(host, SAMPLE), training_bytes)


@pytest.mark.parametrize(
    ("sites", "exclude", "names"),
    [
        (("*",), (), ["parts.stem", "parts.body.0", "parts.body.1"]),
        (("parts.body.*",), (), ["parts.body.0", "parts.body.1"]),
        (("*.1", "*stem"), (), ["parts.stem", "parts.body.1"]),
        (("*",), ("*.[01]",), ["parts.stem"]),
        (("parts.body.?",), ("*.0", "*stem"), ["parts.body.1"]),
    ],
)
def test_patterns_choose_sites_in_the_order_of_the_forward_pass(sites, exclude, names):
    assert list(space(sites=sites, exclude=exclude).choices) == names


@pytest.mark.parametrize("key", ["sites", "exclude"])
def test_a_pattern_that_matches_nothing_is_refused(key):
    message = rf"space.{key}: pattern 'PARTS\*' matches no site; the sites are parts.stem, parts.body.0, "
    with pytest.raises(InputError, match=message):
        space(**{key: ("*", "PARTS*")})


def test_at_least_one_site_must_stay():
    with pytest.raises(InputError, match=r"space.exclude: \* leave no site of parts.stem"):
        space(exclude=("*",))


def test_conv_comes_first_and_the_size_counts_plans():
    found = space(choices=("lc", "lrlc-2"), max_memory=1000)
    assert found.tokens == dict.fromkeys(["parts.stem", "parts.body.0", "parts.body.1"], ("conv", "lrlc-2", "lc"))
    assert found.size == 27


def relative(name, token, copies=3):
    """How many times the host's parameters and training memory a network would have with one choice."""
    host = Host()
    cost, site = host_cost(host, SAMPLE), survey(host, SAMPLE).sites[name]
    total = cost + site_cost(site, Choice.parse(token)) - site_cost(site, CONV)
    return total.parameters / cost.parameters, total.training_bytes(BATCH, copies) / cost.training_bytes(BATCH, copies)


def test_choices_beyond_a_limit_on_parameters_are_left_out_with_the_reason():
    parameters, _ = relative("parts.stem", "lc")
    found = space(max_parameters=parameters - 0.01, max_memory=1000)
    assert found.left_out["parts.stem"] == {
        "lc": f"{parameters:.0f} x the host's parameters; the limit is {parameters - 0.01:g}"
    }
    assert found.tokens["parts.stem"] == ("conv", "lrlc-2", "lrlc-4")
    assert "lc" in space(max_parameters=parameters, max_memory=1000).tokens["parts.stem"]


def test_choices_beyond_a_limit_on_memory_are_left_out_with_the_reason():
    _, memory = relative("parts.stem", "lc")
    found = space(max_parameters=1000, max_memory=memory - 0.01, choices=("lc",), sites=("*stem", "*.1"))
    assert found.left_out["parts.stem"]["lc"].startswith(f"{memory:.1f} x the host's training memory; the limit is")
    assert "parts.stem" not in found.choices, "a site without a choice is no parameter of the search"


def test_a_space_that_nobody_can_afford_is_refused():
    message = r"no choice can be afforded at any site; raise space.max_parameters or space.max_memory"
    with pytest.raises(InputError, match=message):
        space(max_parameters=1.01, choices=("lc",))


def test_choices_that_cannot_be_built_are_left_out_with_the_reason():
    found = space(choices=("wide-2", "wide-5", "tied-2"), max_memory=1000)
    assert found.tokens["parts.stem"] == ("conv", "wide-5", "tied-2")
    assert found.left_out["parts.stem"]["wide-2"].startswith("lrlc-2 has 147 parameters; the nearest that")
    with pytest.raises(InputError, match=r"no choice .* name other choices \(wide-2 at parts.stem: lrlc-2 has 147"):
        space(choices=("wide-2",), sites=("*stem",))


def test_the_extra_cost_is_that_of_the_plan_with_this_choice_alone():
    found = survey(Host(), SAMPLE)
    assert extra_cost(found, "parts.stem", CONV) == Cost()
    site, choice = found.sites["parts.stem"], Choice.parse("lrlc-2")
    assert extra_cost(found, "parts.stem", choice) == site_cost(site, choice) - site_cost(site, CONV)


def test_the_extra_cost_of_a_convolution_that_the_host_widens_counts_what_follows():
    host = build_host("paper-cnn", channels=3, classes=10, size=(32, 32))
    found = survey(host, torch.zeros(1, 3, 32, 32))
    assert extra_cost(found, "conv1", Choice.parse("wide-2")).parameters == 77_700 - 76_490


@pytest.mark.parametrize("copies", [3, 4])
def test_the_limit_on_memory_is_of_what_training_takes(copies):
    _, memory = relative("parts.stem", "lc", copies)
    section = {"choices": ("lc",), "max_parameters": 1000}
    assert "parts.stem" in space(copies, max_memory=memory + 0.001, **section).choices
    assert "lc" in space(copies, max_memory=memory - 0.001, **section).left_out["parts.stem"]
