"""A figure as the page takes it: title, drawing, one line on how to read it, and the numbers behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from .data_table import Table


__all__ = ["Panel", "one_figure", "several_figures"]


@dataclass(frozen=True)
class Panel:
    """A figure on the page.

    Attributes:
        key: fixed, part of the ids of its elements.
        title: above it.
        figure: as plotly.js takes it; None if there is nothing to draw, or several.
        aid: how to read it; without a figure, why there is none.
        small: several figures of one kind, in place of one.
        data: the numbers behind it; None without a figure.
        begins: which of several figures, from 0, begin a row of their own.
    """

    key: str
    title: str
    figure: dict[str, Any] | None
    aid: str
    small: tuple[dict[str, Any], ...] = ()
    data: Table | None = None
    begins: tuple[int, ...] = ()


def one_figure(
    key: str,
    title: str,
    there: bool,
    draw: Callable[[], go.Figure],
    aid: str,
    otherwise: str,
    data: Callable[[], Table],
) -> Panel:
    """A panel with a drawing, or with a sentence in its place.

    Args:
        key: see `Panel`.
        title: see `Panel`.
        there: whether there is anything to draw.
        draw: makes the figure.
        aid: how to read it.
        otherwise: why there is no figure.
        data: makes the numbers behind it.
    """
    if not there:
        return Panel(key, title, None, otherwise)
    return Panel(key, title, _json(draw()), aid, data=data())


def several_figures(
    key: str,
    title: str,
    figures: Iterable[go.Figure],
    aid: str,
    otherwise: str,
    data: Callable[[], Table],
    begins: Iterable[int] = (),
) -> Panel:
    """As `one_figure`, with several small drawings, or none."""
    small = tuple(_json(figure) for figure in figures)
    if not small:
        return Panel(key, title, None, otherwise)
    return Panel(key, title, None, aid, small, data(), tuple(begins))


def _json(figure: go.Figure) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(figure.to_json())
    return result
