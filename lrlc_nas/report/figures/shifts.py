"""The cost in translation tolerance, as curves: the metric on moved images, relaxed and host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from ...config import ACCURACY, Metric
from ..data_table import Table, table
from ..drawing import BEST, HOST, base_layout, plain_metric
from ..reading import Reading
from .figure import Figure, Section

if TYPE_CHECKING:
    from ...inspection import ShiftTolerance

__all__ = ["FIGURE", "draw_shifts", "shift_table"]

_DASHES = {"right": "solid", "down": "dot"}
_WORDS = {"right": "left / right", "down": "up / down"}


def draw_shifts(info: ShiftTolerance, metric: Metric = ACCURACY) -> go.Figure:
    """Draw both networks, solid for moves to the side, dotted for moves up and down."""
    figure, metric = go.Figure(), plain_metric(metric)
    digits, unit = metric.decimals, metric.value_unit
    for name, curves, colour in (("relaxed", info.relaxed, BEST), ("host", info.host, HOST)):
        for direction, values in curves.items():
            figure.add_trace(
                go.Scatter(
                    x=list(info.shifts),
                    y=[metric.scale * value for value in values],
                    mode="lines+markers",
                    name=f"{name}, {_WORDS[direction]}",
                    line={"color": colour, "width": 2, "dash": _DASHES[direction]},
                    marker={"symbol": "circle" if name == "relaxed" else "diamond", "size": 7},
                    hovertemplate=f"{name}, {_WORDS[direction]} by %{{x}}: %{{y:.{digits}f}} {unit}<extra></extra>",
                )
            )
    base_layout(figure, x="moved right or down, pixels", y=metric.axis, height=360)
    figure.update_xaxes(dtick=1)
    return figure


def shift_table(info: ShiftTolerance, metric: Metric = ACCURACY) -> Table:
    """One row for each network, direction and shift."""
    networks = (("relaxed", info.relaxed, info.numbers), ("host", info.host, info.host_numbers))
    return table(
        ("network", "direction", "shift", metric.name, "images", "runs"),
        [
            (name, direction, shift, value, info.images, len(numbers))
            for name, curves, numbers in networks
            for direction, values in curves.items()
            for shift, value in zip(info.shifts, values, strict=True)
        ],
    )


def _found(reading: Reading) -> ShiftTolerance:
    assert reading.inside.shifts is not None  # or there is a reason, and nothing is drawn
    return reading.inside.shifts


def _remark(reading: Reading) -> str:
    info = _found(reading)
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
        "{metric.heading} on images that are moved by some pixels; the test split is not used for it. The faster a "
        "curve worsens away from zero, the less the network tolerates translation."
    ),
    compute=lambda reading: reading,
    empty=lambda reading: reading.inside.shifts_reason,
    draw=lambda reading: draw_shifts(_found(reading), reading.metric),
    table=lambda reading: shift_table(_found(reading), reading.metric),
    call="reading.inside.shifts",
    remark=_remark,
)
