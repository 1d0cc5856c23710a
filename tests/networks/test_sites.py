"""What a survey finds, and that it leaves the host alone."""

import copy

import pytest
import torch
from relax_hosts import Frames, Hidden, Paper, Tied, Writing, Zoo
from torch import nn
from torch.nn.utils import prune

from lrlc_nas.errors import InputError
from lrlc_nas.networks import Site, sites, survey

IMAGES = torch.zeros(2, 3, 8, 10)


def test_sites_come_in_the_order_of_the_forward_pass_under_their_qualified_names():
    assert list(sites(Zoo(), IMAGES)) == ["stem.0", "block.deep.0", "twice", "down", "last"]


def test_a_site_says_all_of_its_convolution():
    assert survey(Zoo(), IMAGES).sites["down"] == Site(
        name="down",
        in_channels=4,
        out_channels=8,
        kernel_size=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
        dilation=(1, 1),
        groups=1,
        bias=False,
        padding_mode="zeros",
        input_size=(8, 10),
        output_size=(4, 5),
        calls=1,
        aliases=(),
    )
    deep = sites(Zoo(), IMAGES)["block.deep.0"]
    assert (deep.padding, deep.groups, deep.bias) == ("same", 4, True)


def test_one_module_with_three_names_is_one_site():
    twice = sites(Zoo(), IMAGES)["twice"]
    assert (twice.aliases, twice.calls) == (("again", "nested.0"), 2)


def test_every_other_convolution_is_refused_with_its_reason():
    assert survey(Zoo(), IMAGES).refused == {
        "unused": "it is never called in the forward pass",
        "sizes": "it is called on maps of different sizes, 8x10 and 4x5; a relaxed layer has one size",
        "up": "ConvTranspose2d is not a Conv2d; only two-dimensional convolutions can be relaxed",
        "squeeze": "it has one output position: there is nothing to share",
        "frames": "Conv1d is not a Conv2d; only two-dimensional convolutions can be relaxed",
    }


def refused(change):
    host = Paper()
    change(host)
    return survey(host, torch.zeros(1, 3, 9, 9)).refused


class Even(nn.Conv2d):
    def forward(self, x):
        return super().forward(x)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda host: prune.identity(host.conv2, "weight"), "its weights are computed from"),
        (lambda host: nn.utils.spectral_norm(host.conv2), "its weights are computed from"),
        (lambda host: nn.utils.parametrizations.spectral_norm(host.conv2), "its weights are computed from"),
        (lambda host: host.conv2.register_forward_hook(lambda *args: None), "it has forward or"),
        (lambda host: host.set_submodule("conv2", Even(64, 64, 3)), "Even overrides forward"),
        (lambda host: host.set_submodule("conv2", nn.LazyConv2d(64, 3)), "LazyConv2d has no weights yet"),
    ],
)
def test_a_convolution_that_may_compute_something_else_is_refused(change, reason):
    assert list(refused(change)) == ["conv2"]
    assert reason in refused(change)["conv2"]


def test_a_lazy_convolution_is_a_site_once_it_has_weights():
    host = nn.Sequential(nn.LazyConv2d(4, 3))
    host(IMAGES)
    assert list(sites(host, IMAGES)) == ["0"]


def test_a_convolution_that_replacing_would_miss_is_refused():
    found = survey(Hidden(), IMAGES)
    assert list(found.sites) == ["first"]
    assert "by a reference outside its modules" in found.refused["second"]


def test_convolutions_that_share_a_weight_are_refused():
    found = survey(Tied(), IMAGES)
    assert list(found.refused) == ["first", "second"]
    assert "also belongs to another module" in found.refused["first"]


def test_a_host_that_is_a_convolution_has_no_site():
    assert "it is the whole host" in survey(nn.Conv2d(3, 4, 3), IMAGES).refused[""]


def test_calls_count_what_is_done_for_one_image():
    site = sites(Frames(), IMAGES)["conv"]
    assert (site.input_size, site.calls) == ((8, 5), 2)


def test_a_survey_leaves_the_host_and_the_random_numbers_alone():
    host = Writing()
    host.train()
    host.conv.eval()
    before, state = copy.deepcopy(host.state_dict()), torch.get_rng_state()
    survey(host, IMAGES)
    assert torch.equal(torch.get_rng_state(), state)
    assert host.training
    assert not host.conv.training
    assert host.cache == []
    assert not host.conv._forward_hooks
    for name, tensor in host.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_host_that_fails_is_left_alone_and_named():
    host = Writing()
    with pytest.raises(InputError, match=r"host Writing does not run on a tensor of shape \(1, 5, 8, 8\)"):
        survey(host, torch.zeros(1, 5, 8, 8))
    assert host.calls == 0
    assert host.training


def test_a_host_that_cannot_be_copied_is_named():
    host = Paper()
    host.generator = (number for number in range(3))
    with pytest.raises(InputError, match=r"host Paper cannot be copied \(deepcopy\)"):
        survey(host, IMAGES)


@pytest.mark.parametrize(
    ("sample", "came"),
    [(torch.zeros(3, 8, 8), r"of shape \(3, 8, 8\)"), (torch.zeros(0, 3, 8, 8), r"\(0, 3, 8, 8\)"), (5, "a int")],
)
def test_a_sample_is_a_batch(sample, came):
    with pytest.raises(InputError, match=rf"(must be a batch of inputs, .*, but is|does not run on) .*{came}"):
        survey(Paper(), sample)
