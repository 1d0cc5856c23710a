"""Costs, against the published network and against networks that are built."""

import copy

import pytest
import torch
import torchvision
from relax_hosts import Frames, Paper, Zoo
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lrlc_nas.choices import CONV, FORMS, Choice, Plan
from lrlc_nas.errors import InputError
from lrlc_nas.layers import LowRankLocallyConnected2d
from lrlc_nas.networks import Cost, host_cost, plan_cost, relax, site_cost, sites, survey, why_not_buildable

LAYERS = ("conv1", "conv2", "conv3")
IMAGES = torch.zeros(2, 3, 8, 10)

# Trainable parameters of the network of Elsayed et al. (2020) with one layer replaced, or all three.
PUBLISHED = {
    "cifar10": (3, 10, 32, {
        "conv": (76_490, 76_490, 76_490, 76_490),
        "lc": (1_687_562, 28_991_178, 25_002_954, 55_528_714),
        "lrlc-1": (76_610, 76_602, 76_594, 76_826),
        "lrlc-2": (78_398, 113_522, 113_510, 152_450),
        "lrlc-3": (80_186, 150_442, 150_426, 228_074),
        "lrlc-4": (81_974, 187_362, 187_342, 303_698),
        "lrlc-8": (89_126, 335_042, 335_006, 606_194),
        "lrlc-2-full": (80_918, 115_706, 115_382, 159_026),
        "lrlc-2-input": (79_394, 114_536, 114_428, 155_378),
    }),
    "mnist": (1, 10, 28, {
        "conv": (75_338, 75_338, 75_338, 75_338),
        "lc": (507_402, 21_309_002, 17_911_626, 39_577_354),
        "lrlc-2": (76_070, 112_346, 112_334, 150_074),
    }),
    "celeba": (3, 2, 32, {
        "conv": (75_970, 75_970, 75_970, 75_970),
        "lc": (1_687_042, 28_990_658, 25_002_434, 55_528_194),
        "lrlc-2": (77_878, 113_002, 112_990, 151_930),
    }),
    "translated celeba": (3, 2, 48, {
        "conv": (75_970, 75_970, 75_970, 75_970),
        "lc": (3_866_114, 71_531_714, 65_180_098, 140_425_986),
        "lrlc-2": (77_974, 113_098, 113_086, 152_218),
    }),
}  # fmt: skip

# Millions of multiply-accumulates for one CIFAR-10 image, to two decimals.
PUBLISHED_MACS = {
    "conv": (55.38, 55.38, 55.38, 55.38),
    "lc": (55.38, 55.38, 55.38, 55.38),
    "lrlc-2": (57.05, 84.38, 80.38, 111.06),
    "lrlc-3": (58.66, 113.33, 105.35, 166.58),
    "lrlc-4": (60.27, 142.28, 130.31, 222.11),
    "lrlc-8": (66.72, 258.09, 230.16, 444.22),
}


def costs(host, images, choice):
    """The costs of the network with the choice in each layer, then in all."""
    base, found = host_cost(host, images), survey(host, images)
    plans = [*({layer: choice} for layer in LAYERS), dict.fromkeys(LAYERS, choice)]
    return [plan_cost(base, found, Plan.of(plan)) for plan in plans]


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_the_published_network(name):
    channels, classes, size, table = PUBLISHED[name]
    images = torch.zeros(1, channels, size, size)
    for choice, expected in table.items():
        found = costs(Paper(channels, classes), images, choice)
        assert tuple(cost.parameters for cost in found) == expected, choice


@pytest.mark.parametrize("choice", PUBLISHED_MACS)
def test_macs_of_the_published_network(choice):
    found = costs(Paper(), torch.zeros(1, 3, 32, 32), choice)
    assert [cost.macs / 1e6 for cost in found] == pytest.approx(PUBLISHED_MACS[choice], abs=0.0051)


@pytest.mark.parametrize(("choice", "size"), [("mnist", 28), ("translated", 48)])
def test_macs_of_the_published_convolutions(choice, size):
    host = Paper(1 if choice == "mnist" else 3)
    macs = host_cost(host, torch.zeros(1, 1 if choice == "mnist" else 3, size, size)).macs
    assert macs / 1e6 == pytest.approx({"mnist": 39.47, "translated": 140.05}[choice], abs=0.0051)


EVERY_CHOICE = ("lrlc-1", *(form.replace("K", "3") for form in FORMS if form not in ("conv", "wide-K")))


def macs_of_one_more_image(network, shape):
    """As torch counts them, without memory: so layers take their plain path, whose operations it knows."""
    network, counts = copy.deepcopy(network).to("meta").eval(), []
    for batch in (1, 2):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.zeros(batch, *shape, device="meta"))
        counts.append(counter.get_total_flops() // 2)
    return counts[1] - counts[0]


@pytest.mark.parametrize("choice", EVERY_CHOICE)
def test_the_cost_of_a_plan_is_that_of_the_network_that_is_built(choice):
    """MACs as torch counts them, which leaves out the weighted sum of the banks."""
    host, found = Zoo(), survey(Zoo(), IMAGES)
    plan = Plan.of(dict.fromkeys(found.sites, choice))
    predicted = plan_cost(host_cost(host, IMAGES), found, plan)
    built = relax(host, plan, IMAGES)
    assert predicted.parameters == sum(parameter.numel() for parameter in built.parameters())
    rank = plan.choices[0][1].rank if choice.startswith("lrlc") else 0
    sums = sum(rank * site.out_channels * site.positions * site.calls for site in found.sites.values())
    assert predicted.macs - sums == macs_of_one_more_image(built, IMAGES.shape[1:])


@pytest.mark.parametrize("choice", ["wide-2", "wide-5"])
def test_the_cost_of_wide_convolutions_is_that_of_the_network_that_is_built(choice):
    host, images = Paper(), torch.zeros(1, 3, 12, 12)
    found = survey(host, images)
    plan = Plan.of(dict.fromkeys(LAYERS, choice))
    predicted, built = plan_cost(host_cost(host, images), found, plan), relax(host, plan, images)
    assert predicted.parameters == sum(parameter.numel() for parameter in built.parameters())
    assert predicted.macs == macs_of_one_more_image(built, images.shape[1:])


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121", "vgg11"])
def test_wide_convolutions_match_the_low_rank_layers_of_torchvision_models(name):
    """Within 2 % at every convolution without groups; where a grouped one cannot be matched, that is said."""
    with torch.device("meta"):
        host = getattr(torchvision.models, name)(weights=None, num_classes=10)
    found = survey(host, torch.zeros(1, 3, 64, 64, device="meta"))
    for site in found.sites.values():
        for rank in (2, 3, 4, 8):
            control = Choice.parse(f"wide-{rank}")
            if site.groups > 1 and why_not_buildable(found, site.name, control):
                continue
            wanted = site_cost(site, Choice.parse(f"lrlc-{rank}")).parameters
            assert site_cost(site, control).parameters == pytest.approx(wanted, rel=0.02), (site.name, rank)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "densenet121"])
def test_parameters_of_relaxed_torchvision_models(name):
    host = getattr(torchvision.models, name)(weights=None, num_classes=10)
    images = torch.zeros(1, 3, 32, 32)
    found = survey(host, images)
    choices = (*(token for token in EVERY_CHOICE if token != "lc"), "wide-2")
    plan = {site: choices[index % len(choices)] for index, site in enumerate(found.sites) if index % 2 == 0}
    plan = Plan.of({s: token for s, token in plan.items() if not why_not_buildable(found, s, Choice.parse(token))})
    predicted = plan_cost(host_cost(host, images), found, plan)
    built = relax(host, plan, images)
    assert predicted.parameters == sum(parameter.numel() for parameter in built.parameters())


def test_the_cost_of_a_convolution_is_what_the_host_measures():
    for host in (Frames(), nn.Sequential(nn.Conv2d(3, 6, 3, groups=3, bias=False))):
        ((_, site),) = sites(host, IMAGES).items()
        assert site_cost(site, CONV) == host_cost(host, IMAGES)


def test_costs_do_not_depend_on_the_size_of_the_sample():
    assert host_cost(Zoo(), IMAGES) == host_cost(Zoo(), torch.zeros(5, 3, 8, 10))


def saved_elements(module, x):
    """What autograd keeps of one forward pass, without parameters and without the input."""
    own = {tensor.untyped_storage().data_ptr() for tensor in [x, *module.parameters()]}
    kept = {}

    def pack(tensor):
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = module(x)
    kept = sum(tensor.untyped_storage().nbytes() // tensor.element_size() for tensor in kept.values())
    return kept, y.numel()


@pytest.mark.parametrize("choice", [*EVERY_CHOICE, "wide-2", "lrlc-8-input"])
def test_activations_are_what_autograd_keeps_and_the_output(choice):
    """Mixtures are kept too, but once for a batch: with 256 images they are lost among the activations."""
    host = nn.Sequential(nn.Conv2d(8, 8, 3))
    images = torch.randn(256, 8, 9, 9)
    site = sites(host, images[:1])["0"]
    network = relax(host, {"0": choice}, images[:1])
    if isinstance(network[0], LowRankLocallyConnected2d):
        network[0].computation = "bank"
    kept, output = saved_elements(network, images.requires_grad_())
    predicted = site_cost(site, Choice.parse(choice)).activations
    assert predicted == pytest.approx((kept + output) / len(images), rel=0.03)


@pytest.mark.parametrize("choice", ["lrlc-2", "lrlc-5-full"])
def test_on_the_kernel_path_a_low_rank_layer_keeps_its_output_alone(choice):
    images = torch.randn(64, 8, 9, 9)
    network = relax(nn.Sequential(nn.Conv2d(8, 8, 3)), {"0": choice}, images[:1])
    network[0].computation = "kernel"
    kept, output = saved_elements(network, images.requires_grad_())
    assert (kept + output) / len(images) == pytest.approx(8 * 7 * 7, rel=0.03)


def test_activations_leave_out_what_lies_in_the_memory_of_its_input():
    host = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Identity())
    assert host_cost(host, IMAGES).activations == 4 * 6 * 8
    host[1] = nn.ReLU()
    assert host_cost(host, IMAGES).activations == 2 * 4 * 6 * 8


def test_costs_add_up_and_cancel():
    one, other = Cost(5, 7, 11), Cost(1, 2, 3)
    assert one + other == Cost(6, 9, 14)
    assert one - other == Cost(4, 5, 8)
    assert other - one == Cost(-4, -5, -8)
    assert 3 * other == Cost(3, 6, 9)
    assert one + Cost() == one


def test_the_memory_of_training():
    assert Cost(10, 0, 7).training_bytes(batch=3) == 4 * (3 * 10 + 3 * 7)
    assert Cost(10, 0, 7).training_bytes(batch=3, state_copies=4, itemsize=2) == 2 * (4 * 10 + 3 * 7)


def test_measuring_leaves_the_host_alone():
    host = Zoo()
    host.stem.eval()
    state = torch.get_rng_state()
    host_cost(host, IMAGES)
    assert host.training
    assert not host.stem.training
    assert not any(module._forward_hooks for module in host.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_costs_of_what_cannot_be_built():
    found = survey(Zoo(), IMAGES)
    message = "site 'block.deep.0': wide-2 cannot be built: lrlc-2 has 130 parameters; the nearest .* is 120"
    with pytest.raises(InputError, match=message):
        plan_cost(Cost(), found, Plan.of({"block.deep.0": "wide-2"}))
    with pytest.raises(InputError, match="lrlc-2 has 130 parameters"):
        site_cost(found.sites["block.deep.0"], Choice.parse("wide-2"))
    with pytest.raises(InputError, match=r"unknown site 'lats'; the sites are stem.0"):
        plan_cost(Cost(), found, Plan.of({"lats": "lc"}))
