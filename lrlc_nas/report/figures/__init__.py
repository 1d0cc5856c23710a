"""The figures of the report: a file for each idea, and the list of all in the order of the page.

A new figure is a file with its record, and its name in this list.
"""

from typing import Any

from . import anytime, contexts, effect_map, forest, learning_curves, pairs, rank_curves, shifts, space_maps, trade_off
from .figure import Figure as Figure
from .figure import Section as Section
from .figure import Width as Width

FIGURES: tuple[Figure[Any], ...] = (
    forest.FIGURE,
    effect_map.FIGURE,
    rank_curves.FIGURE,
    contexts.FIGURE,
    pairs.FIGURE,
    trade_off.PARAMETERS,
    trade_off.MACS,
    trade_off.LATENCY,
    space_maps.FIGURE,
    shifts.FIGURE,
    learning_curves.FIGURE,
    anytime.BY_RUNS,
    anytime.BY_SECONDS,
)
"""All figures of the report, in the order of the page."""
