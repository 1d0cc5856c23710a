"""What relaxing makes: the same function in another form, and an untouched host."""

import copy

import pytest
import torch
import torchvision
from relax_hosts import Paper, Zoo
from torch import nn
from torch.nn.utils import prune

from lrlc_nas.choices import CONV, FORMS, Choice, Plan
from lrlc_nas.errors import InputError
from lrlc_nas.layers import LocallyConnected2d, LowRankLocallyConnected2d
from lrlc_nas.networks import relax, sites, survey
from lrlc_nas.networks.build import layer_class

IMAGES = torch.linspace(-1, 1, 2 * 3 * 8 * 10).view(2, 3, 8, 10)
EVERYWHERE = {
    "stem.0": "lrlc-3",
    "block.deep.0": "lrlc-2-rows",
    "twice": "lrlc-2-full",
    "down": "lc",
    "last": "lrlc-2-cols",
}


def outputs(host, images):
    with torch.no_grad():
        return copy.deepcopy(host).eval()(images)


def assert_same_state(actual, expected):
    assert actual.keys() == expected.keys()
    for name, tensor in actual.items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121"])
def test_a_relaxed_torchvision_model_computes_what_the_model_computes(name):
    host = getattr(torchvision.models, name)(weights=None, num_classes=10)
    images = torch.randn(2, 3, 32, 32)
    state = copy.deepcopy(host.state_dict())
    expected = outputs(host, images)
    found = list(sites(host, images))
    chosen = [found[0], found[1], found[2], found[len(found) // 2], found[-1]]
    plan = dict(zip(chosen, ["lrlc-2", "lrlc-3-full", "lrlc-2-rows", "lrlc-2-cols", "lc"], strict=True))
    candidate = relax(host, plan, images[:1])
    torch.testing.assert_close(outputs(candidate, images), expected, rtol=1e-4, atol=1e-4)
    assert sum(isinstance(m, LowRankLocallyConnected2d) for m in candidate.modules()) == 4
    assert sum(isinstance(m, LocallyConnected2d) for m in candidate.modules()) == 1
    assert_same_state(host.state_dict(), state)
    assert torch.equal(outputs(host, images), expected)
    assert all(module.training for module in host.modules())


def test_every_kind_of_site_can_be_relaxed_at_once():
    host = Zoo().double().eval()
    images = IMAGES.double()
    candidate = relax(host, EVERYWHERE, images)
    torch.testing.assert_close(outputs(candidate, images), outputs(host, images), rtol=1e-10, atol=1e-10)
    for name in EVERYWHERE:
        assert not isinstance(candidate.get_submodule(name), nn.Conv2d), name
    for name in survey(host, images).refused:
        assert type(candidate.get_submodule(name)) is type(host.get_submodule(name)), name


def test_a_candidate_shares_no_memory_with_its_host():
    host = Zoo()
    candidate = relax(host, EVERYWHERE, IMAGES)
    state = copy.deepcopy(host.state_dict())
    candidate.train()(IMAGES).square().sum().backward()
    with torch.no_grad():
        for parameter in candidate.parameters():
            parameter.add_(1)
    assert_same_state(host.state_dict(), state)
    assert all(parameter.grad is None for parameter in host.parameters())


def test_a_module_with_several_names_is_replaced_under_all_of_them_by_one_layer():
    candidate = relax(Zoo(), {"twice": "lrlc-2"}, IMAGES)
    assert isinstance(candidate.twice, LowRankLocallyConnected2d)
    assert candidate.again is candidate.twice
    assert candidate.nested[0] is candidate.twice


@pytest.mark.parametrize("init", ["host", "paper"])
def test_layers_keep_mode_and_dtype_and_are_trainable(init):
    host = Zoo().double()
    host.stem.eval()
    candidate = relax(host, EVERYWHERE, IMAGES.double(), init=init)
    assert not candidate.get_submodule("stem.0").training
    assert candidate.get_submodule("last").training
    assert {parameter.dtype for parameter in candidate.parameters()} == {torch.float64}
    assert all(parameter.requires_grad for parameter in candidate.parameters())


def test_a_plan_and_its_tokens_mean_the_same():
    host = Paper()
    images = torch.zeros(1, 3, 9, 9)
    one = relax(host, {"conv2": "lrlc-2", "conv1": "conv"}, images, seed=0)
    other = relax(host, Plan.of({"conv2": "lrlc-2"}), images, seed=0)
    assert_same_state(one.state_dict(), other.state_dict())


def test_the_empty_plan_is_a_copy_of_the_host():
    host = Zoo()
    candidate = relax(host, {}, IMAGES)
    assert candidate is not host
    assert_same_state(candidate.state_dict(), host.state_dict())


@pytest.mark.parametrize("init", ["host", "paper"])
def test_a_seed_gives_each_site_a_stream_of_its_own(init):
    host = Zoo()
    state = torch.get_rng_state()
    all_of_them = relax(host, EVERYWHERE, IMAGES, init=init, seed=7)
    for name, choice in EVERYWHERE.items():
        alone = relax(host, {name: choice}, IMAGES, init=init, seed=7).get_submodule(name)
        assert_same_state(alone.state_dict(), all_of_them.get_submodule(name).state_dict())
    assert torch.equal(torch.get_rng_state(), state)
    other = relax(host, {"stem.0": "lrlc-3"}, IMAGES, init=init, seed=8)
    assert not torch.equal(other.stem[0].banks, all_of_them.stem[0].banks)


def test_two_sites_of_one_shape_draw_differently():
    host = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1))
    candidate = relax(host, {"0": "lrlc-2", "1": "lrlc-2"}, IMAGES, init="paper", seed=0)
    assert not torch.equal(candidate[0].banks, candidate[1].banks)


def test_without_a_seed_the_global_generator_decides():
    host = Paper()
    images = torch.zeros(1, 3, 9, 9)

    def banks():
        return relax(host, {"conv2": "lrlc-2"}, images).conv2.banks

    torch.manual_seed(3)
    first, second = banks(), banks()
    torch.manual_seed(3)
    assert torch.equal(banks(), first)
    assert not torch.equal(second, first)


def test_the_initialisation_of_the_paper_does_not_look_at_the_host():
    images = torch.zeros(1, 3, 9, 9)
    plan = {"conv1": "lc", "conv2": "lrlc-2"}
    one, other = (relax(Paper(), plan, images, init="paper", seed=1) for _ in range(2))
    for name in plan:
        assert_same_state(one.get_submodule(name).state_dict(), other.get_submodule(name).state_dict())
    bound = (6 / (9 * 64)) ** 0.5
    assert 0.99 * bound < one.conv2.banks.abs().max() <= bound
    assert one.conv2.bias is None
    assert one.conv1.bias.eq(0).all()


@pytest.mark.parametrize("init", ["host", "paper"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_choice_is_built(form, init):
    """As the layer of its kind, which computes at first what the convolution computes, or draws by itself."""
    host, choice = Paper().double().eval(), Choice.parse(form.replace("K", "2"))
    images = torch.randn(2, 3, 9, 10, dtype=torch.float64)
    candidate = relax(host, {"conv2": choice.token}, images, init=init, seed=0)
    layer = candidate.get_submodule("conv2")
    assert type(layer) is (nn.Conv2d if choice == CONV else layer_class(choice))
    assert {parameter.dtype for parameter in layer.parameters()} == {torch.float64}
    assert not layer.training
    if init == "host":
        torch.testing.assert_close(candidate(images), host(images), rtol=1e-9, atol=1e-9)
    else:
        again = relax(Paper().double(), {"conv2": choice.token}, images, init=init, seed=0)
        assert choice == CONV or all(map(torch.equal, layer.parameters(), again.conv2.parameters()))


def test_a_wide_convolution_that_matches_nothing_is_refused_with_the_site_and_the_figures():
    message = r"site 'block.deep.0': wide-2 cannot be built: lrlc-2 has 130 parameters; .* match within 2%"
    with pytest.raises(InputError, match=message):
        relax(Zoo(), {"block.deep.0": "wide-2"}, IMAGES)


@pytest.mark.parametrize("choice", ["lc", "conv"])
def test_an_unknown_site_is_answered_with_the_sites(choice):
    with pytest.raises(InputError, match=r"unknown site 'lats'; the sites are stem\.0, block\.deep\.0, twice"):
        relax(Zoo(), {"lats": choice}, IMAGES)


def test_a_refused_site_is_answered_with_its_reason():
    with pytest.raises(InputError, match="'squeeze' cannot be relaxed to lc: it has one output position"):
        relax(Zoo(), {"squeeze": "lc"}, IMAGES)


def test_another_name_of_a_site_is_answered_with_the_first():
    with pytest.raises(InputError, match=r"'nested.0' is another name of the site 'twice'; use that one"):
        relax(Zoo(), {"nested.0": "lc"}, IMAGES)


def test_an_unknown_initialisation_is_answered_with_the_known():
    with pytest.raises(InputError, match="init must be one of host, paper, but is 'zero'"):
        relax(Zoo(), {}, IMAGES, init="zero")


def test_a_host_with_a_pruned_convolution_can_be_relaxed_elsewhere():
    host, images = Paper(), torch.randn(1, 3, 9, 9)
    prune.l1_unstructured(host.conv2, "weight", 0.5)
    candidate = relax(host, {"conv1": "lrlc-2"}, images)
    assert torch.equal(candidate.conv2.weight_mask, host.conv2.weight_mask)
    torch.testing.assert_close(candidate.eval()(images), host.eval()(images), rtol=1e-4, atol=1e-5)
    candidate(images).sum().backward()
    assert candidate.conv2.weight_orig.grad is not None
    assert host.conv2.weight_orig.grad is None
