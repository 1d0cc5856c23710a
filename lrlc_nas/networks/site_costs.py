"""What one site costs under each choice, by formula.

Letters: C in channels, F out channels, G groups, H W input size, Y X output positions, K rank, T taps.
"""

from __future__ import annotations

from ..choices import Choice
from ..layers import matching_hidden_channels
from ..layers.input_weights import active_dilations
from .cost import Cost
from .sites import Site


__all__ = ["site_cost"]


def site_cost(site: Site, choice: Choice) -> Cost:
    """The cost of one site under a choice.

    ============  =============================  ============================  ==========================
    choice        parameters                     macs                          activations
    ============  =============================  ============================  ==========================
    conv          TCF/G + F                      YX*TCF/G                      FYX
    coord         TCF/G + 2TF + F                YX*TCF/G                      FYX
    wide-K        TCF/G + M(TC + F)/G + F        YX*(TCF/G + M(TC + F)/G)      (F + M)*YX
    tied-K        K*TCF/G + K + Y + X + F        YX*TCF/G                      FYX
    lrlc-K        K*TCF/G + weights + bias + F   K*YX*TCF/G + K*FYX            (K + 1)*FYX
    lrlc-K-input  K*TCF/G + network + YX + F     K*YX*TCF/G + K*FYX + network  (K + 1)*FYX + network
    lc            YX*TCF/G + FYX                 YX*TCF/G                      FYX
    ============  =============================  ============================  ==========================

    Weights are K numbers and the bias is one for each row and each column, each row, each column or each
    position; F counts only where the convolution has a bias, but always for ``lc``. M are the hidden channels
    of `lrlc_nas.layers.WideConv2d` that match ``lrlc-K``. The last two columns are multiplied by the calls.
    Low-rank layers are taken on their bank path; on the other one they keep FYX activations alone.

    The network of ``lrlc-K-input`` has, with n of its dilations r fitting the maps, (30 + 3n)K² + (11 + 10n)K
    + KC parameters. It makes HWCK + Σ 9K(H - 2r)(W - 2r) + YX(30 + 3n)K² multiply-accumulates, resizing not
    counted, and leaves K*HW + (12 + n)K*YX numbers: its K input maps, and at the output positions the 2 + n
    views of them, the two hidden layers and the weights (resizing keeps nothing).

    A host may widen convolutions with the modules that read them; a ``wide-K`` of that kind is a change of
    several modules, and `lrlc_nas.networks.plan_cost` alone knows its cost.

    Raises:
        InputError: if the choice cannot be built at the site.
    """
    formula = {
        "conv": _conv,
        "coord": _coord,
        "wide": _wide,
        "tied": _tied,
        "lrlc": _low_rank,
        "lc": _locally_connected,
    }[choice.kind]
    once = formula(site, choice)
    return Cost(once.parameters, site.calls * once.macs, site.calls * once.activations)


def _conv(site: Site, choice: Choice) -> Cost:
    return Cost(_kernel(site) + _bias(site), site.positions * _kernel(site), _maps(site))


def _coord(site: Site, choice: Choice) -> Cost:
    return _conv(site, choice) + Cost(parameters=2 * _taps(site) * site.out_channels)


def _wide(site: Site, choice: Choice) -> Cost:
    hidden = matching_hidden_channels(site.geometry, choice.rank, bias=site.bias)
    more = hidden * (_taps(site) * site.in_channels + site.out_channels) // site.groups
    return _conv(site, choice) + Cost(more, site.positions * more, site.positions * hidden)


def _tied(site: Site, choice: Choice) -> Cost:
    more = (choice.rank - 1) * _kernel(site) + choice.rank + sum(site.output_size)
    return _conv(site, choice) + Cost(parameters=more)


def _low_rank(site: Site, choice: Choice) -> Cost:
    rank, maps = choice.rank, _maps(site)
    banks = Cost(
        rank * _kernel(site) + _bias(site),
        rank * (site.positions * _kernel(site) + maps),
        (rank + 1) * maps,
    )
    if choice.weights == "input":
        return banks + Cost(parameters=site.positions) + _weight_net(site, rank)
    rows, columns = site.output_size
    places = {"": rows + columns, "rows": rows, "cols": columns, "full": rows * columns}[choice.weights]
    return banks + Cost(parameters=(rank + 1) * places)


def _weight_net(site: Site, rank: int) -> Cost:
    height, width = site.input_size
    dilations = active_dilations(site.input_size)
    pointwise = (30 + 3 * len(dilations)) * rank**2
    around = sum(9 * rank * (height - 2 * r) * (width - 2 * r) for r in dilations)
    return Cost(
        pointwise + (11 + 10 * len(dilations)) * rank + rank * site.in_channels,
        height * width * site.in_channels * rank + around + site.positions * pointwise,
        rank * height * width + (12 + len(dilations)) * rank * site.positions,
    )


def _locally_connected(site: Site, choice: Choice) -> Cost:
    kernels, maps = site.positions * _kernel(site), _maps(site)
    return Cost(kernels + maps, kernels, maps)


def _taps(site: Site) -> int:
    """T."""
    return site.kernel_size[0] * site.kernel_size[1]


def _kernel(site: Site) -> int:
    """TCF/G: the numbers of one kernel."""
    return _taps(site) * site.in_channels * site.out_channels // site.groups


def _maps(site: Site) -> int:
    """FYX: the numbers of the output."""
    return site.positions * site.out_channels


def _bias(site: Site) -> int:
    return site.out_channels if site.bias else 0
