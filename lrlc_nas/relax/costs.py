"""What a network costs: parameters, multiply-accumulates and the activations that training keeps.

Letters: C in channels, F out channels, G groups, Y X output positions, K rank, T taps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..choices import CONV, Choice, Plan
from .passes import copied, run
from .realise import require_buildable
from .sites import Site


__all__ = ["Cost", "host_cost", "plan_cost", "site_cost"]


@dataclass(frozen=True)
class Cost:
    """The cost of a layer or a network; the difference of two costs may be negative.

    Attributes:
        parameters: numbers that training moves.
        macs: multiply-accumulates of the forward pass of one image.
        activations: numbers that the forward pass of one image leaves for the backward pass.
    """

    parameters: int
    macs: int
    activations: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters, self.macs + other.macs, self.activations + other.activations
        )

    def __sub__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters - other.parameters, self.macs - other.macs, self.activations - other.activations
        )

    def training_bytes(self, batch: int, state_copies: int = 3, itemsize: int = 4) -> int:
        """Estimate the memory of training, without the temporary memory of the operations.

        Args:
            batch: B.
            state_copies: how often each parameter is held: itself, its gradient and what the optimiser keeps
                (one more with momentum, two with Adam).
            itemsize: bytes of one number.
        """
        return itemsize * (state_copies * self.parameters + batch * self.activations)


def site_cost(site: Site, choice: Choice) -> Cost:
    """The cost of one site under a choice.

    ========  =============================  ==========================  =================
    choice    parameters                     macs                        activations
    ========  =============================  ==========================  =================
    conv      TCF/G + F                      YX*TCF/G                    FYX
    lrlc-K    K*TCF/G + weights + bias + F   K*YX*TCF/G + K*FYX          (K + 1)*FYX
    lc        YX*TCF/G + FYX                 YX*TCF/G                    FYX + YX*TC
    ========  =============================  ==========================  =================

    Weights are K numbers and the bias is one for each row and each column, each row, each column or each
    position; F counts only where the convolution has a bias. The last two columns are multiplied by the
    calls. Low-rank layers are taken on their bank path, and a locally connected one keeps the patches that
    it gathers.

    Raises:
        InputError: if this version does not build the choice.
    """
    require_buildable(choice)
    taps = site.kernel_size[0] * site.kernel_size[1]
    kernel = taps * site.in_channels * site.out_channels // site.groups
    maps = site.positions * site.out_channels
    bias = site.out_channels if site.bias else 0
    if choice == CONV:
        return _cost(site, kernel + bias, site.positions * kernel, maps)
    if choice.kind == "lc":
        patches = site.positions * taps * site.in_channels
        return _cost(site, site.positions * kernel + maps, site.positions * kernel, maps + patches)
    rank = choice.rank
    places = _places(site, choice.weights)
    parameters = rank * kernel + (rank + 1) * places + bias
    return _cost(site, parameters, rank * (site.positions * kernel + maps), (rank + 1) * maps)


def host_cost(host: nn.Module, sample: Tensor) -> Cost:
    """Measure the cost of an untouched host.

    MACs are half the operations that `torch.utils.flop_counter.FlopCounterMode` counts: convolutions, matrix
    products and attention. Activations are the outputs of the modules without children, except those that
    lie in the memory of their input (in-place activations, flattening); what lies between modules is not
    seen.

    Args:
        host: a network; it is left as it is.
        sample: images, with shape (B, C, H, W).

    Raises:
        InputError: if the host cannot be copied, or does not run on the sample.
    """
    spent = copied(host)
    kept = 0

    def note(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal kept
        kept += _elements_kept(args, output)

    for module in spent.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        run(spent, sample)
    parameters = sum(parameter.numel() for parameter in spent.parameters())
    return Cost(parameters, counter.get_total_flops() // 2 // len(sample), kept // len(sample))


def plan_cost(host: Cost, sites: Mapping[str, Site], plan: Plan) -> Cost:
    """The cost of a host under a plan, from the cost of the untouched host.

    Raises:
        InputError: if the plan names an unknown site, or a choice that this version does not build.
    """
    plan.require_sites(sites)
    for name, choice in plan:
        host = host + site_cost(sites[name], choice) - site_cost(sites[name], CONV)
    return host


def _cost(site: Site, parameters: int, macs: int, activations: int) -> Cost:
    return Cost(parameters, site.calls * macs, site.calls * activations)


def _places(site: Site, weights: str) -> int:
    """How many sets of combining weights there are."""
    rows, columns = site.output_size
    return {"": rows + columns, "rows": rows, "cols": columns, "full": rows * columns}[weights]


def _elements_kept(inputs: Any, output: Any) -> int:
    own = {tensor.untyped_storage().data_ptr() for tensor in _tensors(inputs)}
    return sum(
        tensor.numel() for tensor in _tensors(output) if tensor.untyped_storage().data_ptr() not in own
    )


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in _tensors(item)]
    return []
