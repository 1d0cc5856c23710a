"""The figures as the page takes them: title, drawing and one line on how to read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from ..evidence import Screening
from ..store import EpochRecord, RunRecord
from .effect_map import draw_effect_map, effect_map
from .learning_curves import draw_learning_curves, learning_curves
from .trade_off import COSTS, draw_trade_off, trade_off


__all__ = ["Panel", "panels"]

_EFFECTS_AID = (
    "Blue is better than conv at that site, red is worse; * marks an interval that excludes zero; blank "
    "cells cannot be told yet or are not in the space. All numbers are points of accuracy."
)
_CURVES_AID = (
    "Accuracy on the search images after each epoch; a cross marks where a run was given up. Curves that "
    "still rise at the end say that more epochs could change the order."
)
_TRADE_OFF_AID = (
    "Each point is one finished run with one seed. Left and high is better; the line joins the runs that "
    "none beats on both, and lies too high by the luck of its runs."
)


@dataclass(frozen=True)
class Panel:
    """A figure on the page.

    Attributes:
        key: fixed, part of the ids of its elements.
        title: above it.
        figure: as plotly.js takes it; None if there is nothing to draw.
        aid: how to read it; without a figure, why there is none.
    """

    key: str
    title: str
    figure: dict[str, Any] | None
    aid: str


def panels(
    runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochRecord]], screening: Screening
) -> dict[str, Panel]:
    """All figures of a study: key to panel."""
    effects = effect_map(screening, runs)
    curves = learning_curves(runs, epochs, screening.best)
    made = [
        Panel(
            "effects",
            "Where relaxing helps",
            *_drawn(
                not effects.empty,
                lambda: draw_effect_map(effects),
                _EFFECTS_AID,
                "The finished runs tell no effect yet, so there is no map.",
            ),
        ),
        Panel(
            "curves",
            "Learning curves",
            *_drawn(
                bool(curves.curves),
                lambda: draw_learning_curves(curves),
                _CURVES_AID,
                "No epoch has been recorded yet, so there are no curves.",
            ),
        ),
        *(_trade_off_panel(runs, cost) for cost in COSTS),
    ]
    return {panel.key: panel for panel in made}


def _trade_off_panel(runs: Sequence[RunRecord], cost: str) -> Panel:
    info = trade_off(runs, cost)
    return Panel(
        cost,
        f"Accuracy and {COSTS[cost]}",
        *_drawn(
            bool(info.points),
            lambda: draw_trade_off(info),
            _TRADE_OFF_AID,
            f"There is no finished run yet whose accuracy could be set against {COSTS[cost]}.",
        ),
    )


def _drawn(
    there: bool, draw: Callable[[], go.Figure], aid: str, otherwise: str
) -> tuple[dict[str, Any] | None, str]:
    return (json.loads(draw().to_json()), aid) if there else (None, otherwise)
