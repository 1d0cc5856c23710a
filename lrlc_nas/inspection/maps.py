r"""Maps of space: what a trained relaxed layer does differently from one position to the next.

With w_p the kernel at position p as a vector, \bar w the mean over positions and r² the mean of |w_p|²,

.. math::
    d_p = |w_p - \bar w| / r, \qquad  u = \mathrm{mean}_p\, d_p^2 = 1 - |\bar w|^2 / r^2 .

d is how far the kernel of a position lies from the mean kernel, and u, between 0 and 1, is the share of the kernels'
energy that is not shared: 0 for a convolution, nearly 1 for kernels that have nothing in common. Both mean the same
for low-rank and for locally connected layers. For the former the kernels are never formed: with a_p the combining
weights and G the K x K matrix of the banks' scalar products, |w_p - \bar w|² = (a_p - \bar a)ᵀ G (a_p - \bar a).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..engine import OpenStudy, open_study
from ..layers import LocallyConnected2d, LowRankLocallyConnected2d
from ..layers.samples import call
from ..store import Store
from ..tasks import ShowsImages
from .trained import Subject, subject, trained_network

__all__ = ["SpaceMap", "layer_map", "space_maps"]

_IMAGES = 64
"""How many images combining weights that depend on the input are averaged over."""


@dataclass(frozen=True, eq=False)
class SpaceMap:
    """One relaxed site of a trained network, and whose run of which study it is.

    Attributes:
        choice: token of the choice at the site.
        weights: (K, Y, X), the combining weights; K is 0 for a locally connected layer, which has none.
        distance: (Y, X), how far each kernel lies from the mean kernel, d.
        unshared: share of the kernels' energy that is not shared, u.
    """

    study: str
    number: int
    site: str
    choice: str
    weights: NDArray[np.float64]
    distance: NDArray[np.float64]
    unshared: float


def space_maps(
    store: Store, name: str, *, opened: OpenStudy | None = None, chosen: Subject | None = None
) -> tuple[SpaceMap, ...]:
    """Map every relaxed site of the network that is worth looking into (see `lrlc_nas.inspection.subject`).

    Combining weights that depend on the input are means over some of the images that the run was scored on. The
    study of the subject and the subject itself may be given where they are known: reading the images may take long.

    Returns:
        One map for each relaxed site, in the order of the forward pass.

    Raises:
        InputError: if there is no such study, nothing in it is relaxed, or its images have changed.
        CheckpointError: if the checkpoint has gone or is damaged.
    """
    chosen = chosen or subject(store, name)
    study = opened or open_study(store, chosen.study.name)
    run = chosen.runs[0]
    network = trained_network(study, run)
    relaxed = {site.name: chosen.plan.at(site.name) for site in study.record.sites}
    places = [site for site, choice in relaxed.items() if choice.relaxes and not choice.is_own]
    layers = {site: network.get_submodule(site) for site in places}
    with torch.no_grad():
        inputs = _inputs(network, layers, study)
        found = {site: layer_map(layer, inputs.get(site)) for site, layer in layers.items()}
    return tuple(
        SpaceMap(study.record.name, run.number, site, chosen.plan.at(site).token, *parts)
        for site, parts in found.items()
    )


def layer_map(layer: nn.Module, input: Tensor | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Map one layer, low-rank or wholly locally connected: combining weights, distances and share, as in `SpaceMap`.

    A layer whose combining weights depend on the input takes (B, C, H, W); they are averaged over B.
    """
    with torch.no_grad():
        if isinstance(layer, LocallyConnected2d):
            kernels = layer.weight.double().flatten(2)
            off = kernels - kernels.mean((0, 1))
            return (np.zeros((0, *kernels.shape[:2])), *_relative(off.square().sum(-1), kernels.square().sum(-1)))
        if not isinstance(layer, LowRankLocallyConnected2d):
            raise TypeError(f"{type(layer).__name__} has the same kernel at every position")
        combining = layer.combining_weights(input).double()
        combining = combining.mean(0) if combining.dim() == 4 else combining
        banks = layer.stacked_banks().double().flatten(1)
        gram = banks @ banks.T
        off = combining - combining.mean((0, 1))
        return (combining.permute(2, 0, 1).numpy(), *_relative(_form(off, gram), _form(combining, gram)))


def _form(vectors: Tensor, gram: Tensor) -> Tensor:
    """The quadratic form at each position: (Y, X, K) and (K, K) to (Y, X)."""
    return torch.einsum("yxk,kl,yxl->yx", vectors, gram, vectors).clamp_min(0)


def _relative(off: Tensor, energy: Tensor) -> tuple[NDArray[np.float64], float]:
    """Distances relative to the mean energy, and the share that is not shared; zeros where there is no energy."""
    scale = float(energy.mean())
    squares = off / scale if scale > 0 else torch.zeros_like(off)
    return squares.sqrt().numpy(), float(squares.mean())


def _inputs(network: nn.Module, layers: dict[str, nn.Module], study: OpenStudy) -> dict[str, Tensor]:
    """What the layers see whose combining weights depend on it."""
    wanted = {
        site: layer
        for site, layer in layers.items()
        if isinstance(layer, LowRankLocallyConnected2d) and layer.depends_on_input
    }
    if not wanted:
        return {}
    seen: dict[str, Tensor] = {}

    def keep(site: str, _: nn.Module, arguments: tuple[Tensor]) -> None:
        seen[site] = arguments[0].detach()

    handles = [layer.register_forward_pre_hook(partial(keep, site)) for site, layer in wanted.items()]
    task = study.prepared.task
    shown = task.inputs(study.prepared.split, _IMAGES) if isinstance(task, ShowsImages) else task.sample
    try:
        call(network, shown)
    finally:
        for handle in handles:
            handle.remove()
    return seen
