"""The cost in translation tolerance, as curves: accuracy on moved images, relaxed and host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ..data_table import Table, table
from ..drawing import BEST, HOST, base_layout
from ..reading import Inside
from .figure import Figure, Section

if TYPE_CHECKING:
    from ...inspection import ShiftTolerance

__all__ = ["FIGURE", "draw_shifts", "shift_table"]

_DASHES = {"right": "solid", "down": "dot"}
_WORDS = {"right": "left / right", "down": "up / down"}


def draw_shifts(info: ShiftTolerance) -> go.Figure:
    """Draw both networks, solid for moves to the side, dotted for moves up and down."""
    figure = go.Figure()
    for name, curves, colour in (("relaxed", info.relaxed, BEST), ("host", info.host, HOST)):
        for direction, accuracies in curves.items():
            figure.add_trace(
                go.Scatter(
                    x=list(info.shifts),
                    y=[100 * accuracy for accuracy in accuracies],
                    mode="lines+markers",
                    name=f"{name}, {_WORDS[direction]}",
                    line={"color": colour, "width": 2, "dash": _DASHES[direction]},
                    marker={"symbol": "circle" if name == "relaxed" else "diamond", "size": 7},
                    hovertemplate=f"{name}, {_WORDS[direction]} by %{{x}}: %{{y:.2f}} %<extra></extra>",
                )
            )
    base_layout(figure, x="moved right or down, pixels", y="accuracy, %", height=360)
    figure.update_xaxes(dtick=1)
    return figure


def shift_table(info: ShiftTolerance) -> Table:
    """One row for each network, direction and shift."""
    networks = (("relaxed", info.relaxed, info.numbers), ("host", info.host, info.host_numbers))
    return table(
        ("network", "direction", "shift", "accuracy", "images", "runs"),
        [
            (name, direction, shift, accuracy, info.images, len(numbers))
            for name, curves, numbers in networks
            for direction, accuracies in curves.items()
            for shift, accuracy in zip(info.shifts, accuracies, strict=True)
        ],
    )


def _found(inside: Inside) -> ShiftTolerance:
    assert inside.shifts is not None  # or there is a reason, and nothing is drawn
    return inside.shifts


def _remark(inside: Inside) -> str:
    info = _found(inside)
    networks = [
        f"{len(numbers)} run{'' if len(numbers) == 1 else 's'} of the {name}"
        for name, numbers in (("relaxed network", info.numbers), ("host", info.host_numbers))
    ]
    return f"Measured on {info.images} {info.role} images: {' and '.join(networks)}."


FIGURE = Figure(
    key="shifts",
    section=Section.SPACE,
    title="Cost in translation tolerance",
    caption=(
        "Accuracy on images that are moved by some pixels; the test images are not used for it. The faster a "
        "curve falls away from zero, the less the network tolerates translation."
    ),
    compute=lambda reading: reading.inside,
    empty=lambda inside: inside.shifts_reason,
    draw=lambda inside: draw_shifts(_found(inside)),
    table=lambda inside: shift_table(_found(inside)),
    call="reading.inside.shifts",
    remark=_remark,
)
