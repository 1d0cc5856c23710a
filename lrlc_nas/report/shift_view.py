"""What translation tolerance was paid, as curves: accuracy on moved images, relaxed and host."""

from __future__ import annotations

import plotly.graph_objects as go

from ..inspection import ShiftTolerance
from .data_table import Table, table
from .drawing import BEST, HOST, base_layout


__all__ = ["draw_shifts", "shift_table"]

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
    return table(
        ("network", "direction", "shift", "accuracy", "images", "runs"),
        [
            (name, direction, shift, accuracy, info.images, len(slots))
            for name, curves, slots in (
                ("relaxed", info.relaxed, info.slots),
                ("host", info.host, info.host_slots),
            )
            for direction, accuracies in curves.items()
            for shift, accuracy in zip(info.shifts, accuracies, strict=True)
        ],
    )
