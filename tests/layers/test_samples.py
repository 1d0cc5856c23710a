"""A network is run on what it takes, in whatever form that comes."""

from collections import namedtuple

import pytest
import torch
from torch import Tensor, nn

from lrlc_nas import Task, relax, sites, suggest
from lrlc_nas.errors import InputError
from lrlc_nas.layers import tune
from lrlc_nas.layers.samples import batch_size, call, mapped
from lrlc_nas.networks import host_cost

MAPS, NOISE, PLACE = torch.rand(2, 3, 6, 6), torch.rand(2), torch.rand(2, 4)
Scan = namedtuple("Scan", "maps place")


class Host(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def run(self, maps: Tensor, noise: Tensor) -> Tensor:
        assert maps.shape[1:] == (3, 6, 6)
        return self.conv(maps).mean((2, 3)) * noise[:, None]


class Several(Host):
    def forward(self, maps: Tensor, noise: Tensor) -> Tensor:
        return self.run(maps, noise)


class Anything(Host):
    def forward(self, **given: Tensor) -> Tensor:
        return self.run(given["maps"], given["noise"])


class OneDict(Host):
    def forward(self, batch: dict) -> Tensor:
        return self.run(batch["image"]["maps"], batch["noise"])


class OneScan(Host):
    def forward(self, scan: Scan) -> Tensor:
        return self.run(scan.maps, scan.place[:, 0])


class OneList(Host):
    def forward(self, images: list) -> Tensor:
        return self.run(torch.stack(images), NOISE)


FORMS = {
    "several": (Several(), (MAPS, NOISE)),
    "by name": (Several(), {"maps": MAPS, "noise": NOISE}),
    "any names": (Anything(), {"maps": MAPS, "noise": NOISE}),
    "nested": (OneDict(), {"image": {"maps": MAPS}, "noise": NOISE, "id": "a picture"}),
    "a dict in a tuple": (OneDict(), ({"image": {"maps": MAPS}, "noise": NOISE},)),
    "a named tuple": (OneScan(), (Scan(MAPS, PLACE),)),
}


@pytest.mark.parametrize("form", FORMS)
def test_sites_are_found_relaxed_tuned_and_counted(form: str) -> None:
    host, sample = FORMS[form]
    (site,) = sites(host, sample).values()
    assert (site.name, site.input_size, site.calls) == ("conv", (6, 6), 1)
    network = relax(host, {"conv": "lrlc-2"}, sample)
    assert torch.allclose(call(network, sample), call(host, sample), atol=1e-6)
    assert tune(network, sample) == {"conv": network.conv.computation}
    assert host_cost(host, sample) == host_cost(Several(), (MAPS, NOISE))
    assert batch_size(sample) == 2
    doubled = mapped(lambda tensor: torch.cat([tensor, tensor]), sample)
    assert (batch_size(doubled), type(doubled)) == (4, type(sample))
    Task(host=type(host), sample=sample, train=lambda network, run: None)


def test_a_trial_may_have_such_a_sample() -> None:
    import optuna

    trial = optuna.trial.FixedTrial({"conv": "lrlc-2"})
    host, sample = FORMS["by name"]
    assert call(suggest(trial, host, sample, choices=("lrlc-2",)), sample).shape == (2, 4)


@pytest.mark.parametrize("sample", [(), {}, torch.zeros(0, 3, 6, 6), "pictures", torch.tensor(1.0), None])
def test_what_is_no_batch_is_refused(sample: object) -> None:
    with pytest.raises(InputError, match="must be a batch of inputs, with a tensor"):
        sites(Several(), sample)
