"""Maps of space as pictures: the combining weights of a site, and how far each kernel lies from their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..data_table import Table, table
from ..drawing import plain, short
from ..reading import Reading
from .figure import Figure, Section

if TYPE_CHECKING:
    from ...inspection import SpaceMap

__all__ = ["FIGURE", "MOST_BANKS", "MOST_SITES", "Picture", "Pictures", "draw_picture", "picture_table", "pictures"]

MOST_SITES = 4
"""How many sites are drawn; those of whose kernels least is shared."""

MOST_BANKS = 8
_MOST_CELLS = 28


@dataclass(frozen=True, eq=False)
class Picture:
    """One map of a site, whose choice is a token.

    Attributes:
        kind: ``distance`` from the mean kernel, or ``weights`` of a bank.
        bank: which one, from 1; 0 for a distance.
        values: (rows, columns), means over blocks of positions where there are too many to draw.
        block: how many positions, each way, one value is the mean of.
        limit: upper end of the colour scale, the same for all banks of a site.
        unshared: share of the kernels' energy at the site that is not shared.
    """

    site: str
    choice: str
    kind: str
    bank: int
    values: NDArray[np.float64]
    block: int
    limit: float
    unshared: float


@dataclass(frozen=True)
class Pictures:
    """What is drawn of the maps of a network.

    ``cut`` is whether there are sites or banks that are not drawn; ``reason`` says why there are no pictures.
    """

    shown: tuple[Picture, ...]
    network: str
    cut: bool
    reason: str


def pictures(maps: Sequence[SpaceMap]) -> tuple[Picture, ...]:
    """The pictures of the sites that share least, in the order of the forward pass; the distance comes first."""
    chosen = sorted(maps, key=lambda each: -each.unshared)[:MOST_SITES]
    kept = {each.site for each in chosen}
    return tuple(picture for each in maps if each.site in kept for picture in _pictures(each))


def picture_table(shown: Sequence[Picture]) -> Table:
    """The numbers of the pictures, one row for each value."""
    return table(
        ("site", "choice", "map", "bank", "row", "column", "positions_each_way", "value"),
        [
            (each.site, each.choice, each.kind, each.bank or None, row, column, each.block, float(value))
            for each in shown
            for (row, column), value in np.ndenumerate(each.values)
        ],
    )


def draw_picture(info: Picture) -> go.Figure:
    """Draw one map, dark where it is low."""
    name = plain(short(info.site))
    what = f"bank {info.bank}" if info.bank else f"distance ({100 * info.unshared:.0f} % unshared)"
    figure = go.Figure(
        go.Heatmap(
            z=[[float(f"{value:.4g}") for value in row] for row in info.values],
            colorscale="Cividis",
            zmin=min(0.0, float(info.values.min())),
            zmax=info.limit,
            colorbar={"thickness": 8, "outlinewidth": 0, "len": 0.9},
            hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>",
        )
    )
    figure.update_layout(
        template="none",
        height=190,
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        font={"family": "system-ui, sans-serif", "size": 11},
        title={"text": f"<b>{name}</b> {info.choice}<br>{what}", "font": {"size": 12}, "x": 0, "xref": "paper"},
    )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return figure


def _pictures(each: SpaceMap) -> list[Picture]:
    block = -(-max(each.distance.shape) // _MOST_CELLS)
    banks = each.weights[:MOST_BANKS]
    highest = float(banks.max()) if banks.size else 0.0
    shown = [("distance", 0, each.distance, float(each.distance.max()))]
    shown += [("weights", number, bank, highest) for number, bank in enumerate(banks, start=1)]
    return [
        Picture(each.site, each.choice, kind, bank, _coarser(values, block), block, limit or 1.0, each.unshared)
        for kind, bank, values, limit in shown
    ]


def _coarser(values: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Means over blocks; those at the end may be smaller."""
    if block == 1:
        return values
    starts = [np.arange(0, size, block) for size in values.shape]
    sums = np.add.reduceat(np.add.reduceat(values, starts[0], axis=0), starts[1], axis=1)
    counts = np.add.reduceat(np.add.reduceat(np.ones_like(values), starts[0], axis=0), starts[1], axis=1)
    return np.asarray(sums / counts)


def _of_reading(reading: Reading) -> Pictures:
    inside = reading.inside
    cut = len(inside.maps) > MOST_SITES or any(len(each.weights) > MOST_BANKS for each in inside.maps)
    return Pictures(pictures(inside.maps), inside.why, cut, inside.maps_reason)


def _remark(info: Pictures) -> str:
    more = (
        f" Drawn: at most {MOST_SITES} sites, those that share least, and {MOST_BANKS} banks; "
        "lrlc_nas.inspection.space_maps gives all."
    )
    coarse = " Values are means over blocks of positions." if any(each.block > 1 for each in info.shown) else ""
    return f"The network: {info.network}.{more if info.cut else ''}{coarse}"


FIGURE = Figure(
    key="maps",
    section=Section.SPACE,
    title="Maps of space",
    caption=(
        "Distance: how far the kernel at each position lies from the mean kernel, where 1 is the typical "
        "size of a kernel; bright places have kernels of their own. Banks: how much of each filter bank is "
        "mixed in at each position; one colour everywhere means that position does not matter."
    ),
    compute=_of_reading,
    empty=lambda info: info.reason,
    draw=lambda info: [draw_picture(each) for each in info.shown],
    table=lambda info: picture_table(info.shown),
    call="report.pictures(reading.inside.maps)",
    remark=_remark,
    row_starts=lambda info: [number for number, each in enumerate(info.shown) if each.kind == "distance"],
)
