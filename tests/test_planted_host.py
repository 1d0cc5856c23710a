"""The host of the planted images: what can help in it, and that nothing else can."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lrlc_nas.networks import relax, sites
from lrlc_nas.networks.hosts import build_host
from studies import planted

BLANK = torch.zeros(1, 1, 16, 16)


def images() -> Tensor:
    return planted.images(train=20, test=2)[0].double() / 255


def exchanged(pixels: Tensor, band: int) -> Tensor:
    """Each two neighbouring bands of so many pixels change places."""
    return torch.cat([torch.cat(pair[::-1], -1) for pair in pairs(pixels.split(band, -1))], -1)


def pairs(bands: tuple[Tensor, ...]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(bands[::2], bands[1::2], strict=True))


def network(host: nn.Module, tokens: dict[str, str]) -> nn.Module:
    """A relaxed host whose layers differ between positions wherever they can."""
    torch.manual_seed(0)
    relaxed = relax(host, tokens, BLANK, init="paper").double()
    for parameter in relaxed.parameters():
        nn.init.normal_(parameter)
    return relaxed.train()


def tells_bands_apart(relaxed: nn.Module, band: int) -> bool:
    pixels = images()
    return not torch.allclose(relaxed(pixels), relaxed(exchanged(pixels, band)), atol=1e-9)


def test_its_sites() -> None:
    found = sites(planted.host(1, 2, (16, 16)), BLANK)
    assert {name: site.output_size for name, site in found.items()} == {
        "conv1": (8, 8),
        "conv2": (4, 4),
        "conv3": (4, 4),
    }
    assert planted.host(3, 5, (32, 16), width=6, scale=4, stripe=2)(torch.zeros(2, 3, 32, 16)).shape == (2, 5)


@pytest.mark.parametrize("token", ["lrlc-2", "lrlc-4-full", "lc"])
def test_after_the_first_convolution_bands_cannot_be_told_apart(token: str) -> None:
    relaxed = network(planted.host(1, 2, (16, 16)), {"conv2": token, "conv3": token})
    assert not tells_bands_apart(relaxed, band=2)
    assert tells_bands_apart(relaxed, band=4)  # the pool loses no more than the bands


@pytest.mark.parametrize(("token", "tells"), [("lrlc-2", True), ("lc", True), ("lrlc-4-rows", False)])
def test_the_first_convolution_tells_bands_apart_if_it_knows_the_column(token: str, tells: bool) -> None:
    assert tells_bands_apart(network(planted.host(1, 2, (16, 16)), {"conv1": token}), band=2) is tells


@pytest.mark.parametrize("site", ["conv1", "conv2", "conv3"])
@pytest.mark.parametrize(("token", "tells"), [("conv", False), ("lrlc-2", True), ("lrlc-4-rows", False)])
def test_in_the_papers_network_every_site_can_tell_halves_apart(site: str, token: str, tells: bool) -> None:
    options = {"channels": 8, "kernel_size": 2, "strides": [2, 2, 2]}
    host = build_host("paper-cnn", channels=1, classes=2, size=(16, 16), options=options)
    assert tells_bands_apart(network(host, {site: token}), band=8) is tells


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width must be a whole number of at least 1, but got 0"),
        ({"scale": 2.0}, "scale must be a whole number of at least 1, but got 2.0"),
        ({"stripe": True}, "stripe must be a whole number of at least 1, but got True"),
        ({"stripe": 3}, "sides must be multiples of 12, .*, but got 16x16"),
    ],
    ids=str,
)
def test_what_the_host_rejects(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        planted.host(1, 2, (16, 16), **options)
