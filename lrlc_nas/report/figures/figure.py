"""What a figure of the report is: one record, which holds all that the page and the guide need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import plotly.graph_objects as go

from ..data_table import Table
from ..reading import Reading

__all__ = ["Figure", "Section", "Width"]

Info = TypeVar("Info")
"""What a figure is drawn from."""


class Section(StrEnum):
    """The places of the page that hold figures, in its order."""

    CONFIRMATION = "confirmation"
    EFFECTS = "effects"
    SHAPE = "shape"
    COST = "cost"
    SPACE = "space"
    SEARCH = "search"


class Width(StrEnum):
    """How much of the page's width a figure takes; neighbours of one width below the whole stand side by side."""

    WHOLE = "whole"
    HALF = "half"
    THIRD = "third"


@dataclass(frozen=True)
class Figure(Generic[Info]):
    """A figure of the report; `lrlc_nas.report.figures.FIGURES` lists them in the order of the page.

    Attributes:
        key: fixed; part of the ids of its elements and the name of its CSV file.
        section: where on the page it stands.
        title: above it; like the caption with ``{metric.name}`` and whatever else a `Metric` has.
        caption: how to read it.
        compute: gathers what it shows from a reading.
        empty: why there is nothing to draw; empty if there is something.
        draw: makes the drawing, or several small ones.
        table: the numbers behind it.
        call: the expression that gives these numbers from Python, with ``report`` and ``reading`` at hand.
        remark: what is to be said of this one drawing, after the caption; may be empty.
        width: of the page.
        row_starts: which of several small drawings, from 0, begin a row.
    """

    key: str
    section: Section
    title: str
    caption: str
    compute: Callable[[Reading], Info]
    empty: Callable[[Info], str]
    draw: Callable[[Info], go.Figure | Sequence[go.Figure]]
    table: Callable[[Info], Table]
    call: str
    remark: Callable[[Info], str] = lambda info: ""
    width: Width = Width.WHOLE
    row_starts: Callable[[Info], Sequence[int]] = lambda info: ()
