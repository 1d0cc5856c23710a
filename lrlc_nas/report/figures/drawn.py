"""A figure as a page takes it: drawn, with its caption and the numbers behind it, or with why it is empty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import plotly.graph_objects as go

from ..data_table import Table
from ..reading import Reading
from .figure import Figure, Section, Width

__all__ = ["DrawnFigure", "FigureRow", "drawn", "drawn_sections", "plotly_json"]


@dataclass(frozen=True)
class DrawnFigure:
    """A figure on a page.

    Attributes:
        key: fixed, part of the ids of its elements.
        caption: how to read it; without a drawing, why there is none.
        figure: as plotly.js takes it; None if there is nothing to draw, or several `small` ones in place of it.
        row_starts: which of these, from 0, begin a row.
        table: the numbers behind it, which `call` gives from Python; None without a drawing.
    """

    key: str
    title: str
    caption: str
    figure: dict[str, Any] | None = None
    small: tuple[dict[str, Any], ...] = ()
    row_starts: tuple[int, ...] = ()
    table: Table | None = None
    call: str = ""


@dataclass(frozen=True)
class FigureRow:
    """Figures that stand side by side, or one alone, each of this width."""

    width: Width
    figures: tuple[DrawnFigure, ...]


def drawn(figure: Figure[Any], reading: Reading) -> DrawnFigure:
    """Compute a figure from a reading, and draw it if there is anything to draw."""
    info, metric = figure.compute(reading), reading.metric
    title = figure.title.format(metric=metric)
    if why := figure.empty(info):
        return DrawnFigure(figure.key, title, why)
    made = figure.draw(info)
    one = isinstance(made, go.Figure)
    return DrawnFigure(
        key=figure.key,
        title=title,
        caption=f"{figure.caption.format(metric=metric)} {figure.remark(info)}".rstrip(),
        figure=plotly_json(made) if one else None,
        small=() if one else tuple(map(plotly_json, made)),
        row_starts=tuple(figure.row_starts(info)),
        table=figure.table(info),
        call=figure.call,
    )


def drawn_sections(figures: Sequence[Figure[Any]], reading: Reading) -> dict[Section, list[FigureRow]]:
    """Draw figures: each section to its rows, in the order of the list."""
    return {
        section: list(_rows([figure for figure in figures if figure.section == section], reading))
        for section in Section
    }


def plotly_json(figure: go.Figure) -> dict[str, Any]:
    """A drawing as plotly.js takes it."""
    result: dict[str, Any] = json.loads(figure.to_json())
    return result


def _rows(figures: Sequence[Figure[Any]], reading: Reading) -> Iterable[FigureRow]:
    for width, neighbours in groupby(figures, key=lambda figure: figure.width):
        made = tuple(drawn(figure, reading) for figure in neighbours)
        if width == Width.WHOLE:
            yield from (FigureRow(width, (each,)) for each in made)
        else:
            yield FigureRow(width, made)
