"""The figures as the page takes them: title, drawing, one line on how to read it, and the numbers behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from . import aids
from .anytime import anytime, anytime_table, draw_anytime
from .data_table import Table
from .effect_map import draw_effect_map, effect_map, effect_table
from .forest import draw_forest, forest, forest_table
from .interaction_view import (
    MOST_CONTEXTS,
    company,
    company_table,
    draw_company,
    draw_pairs,
    pair_matrix,
    pair_table,
)
from .learning_curves import curve_table, draw_learning_curves, learning_curves, thinned
from .rank_curves import MOST_SITES, RankCurve, draw_rank_curve, rank_curves, rank_table
from .reading import Reading
from .shift_view import draw_shifts, shift_table
from .space_view import MOST_BANKS, draw_picture, picture_table, pictures
from .space_view import MOST_SITES as MOST_MAPPED
from .trade_off import COSTS, draw_trade_off, trade_off, trade_off_table


__all__ = ["Panel", "panels"]


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
    """

    key: str
    title: str
    figure: dict[str, Any] | None
    aid: str
    small: tuple[dict[str, Any], ...] = ()
    data: Table | None = None


def panels(reading: Reading) -> dict[str, Panel]:
    """All figures of a study: key to panel."""
    made = [
        _forest(reading),
        _effects(reading),
        _ranks(reading),
        _company(reading),
        _pairs(reading),
        *(_trade_off(reading, cost) for cost in COSTS),
        _maps(reading),
        _shifts(reading),
        _curves(reading),
        *_anytime(reading),
    ]
    return {panel.key: panel for panel in made}


def _forest(reading: Reading) -> Panel:
    info = forest(reading)
    reason = (
        "Nothing of this study is confirmed or refuted yet: 'lrlc-nas confirm' trains its claims on fresh seeds."
        if reading.confirmation is None
        else "No stage of the confirmation has ended with a whole pair of runs yet, so there is nothing to compare."
    )
    return _panel(
        "forest",
        "Claims on fresh seeds",
        bool(info.rows),
        lambda: draw_forest(info),
        aids.FOREST,
        reason,
        lambda: forest_table(info),
    )


def _effects(reading: Reading) -> Panel:
    info = effect_map(
        reading.screening, reading.runs, reading.confirmation.conclusion if reading.confirmation else None
    )
    return _panel(
        "effects",
        "Where relaxing helps",
        not info.empty,
        lambda: draw_effect_map(info),
        aids.EFFECTS,
        "The finished runs tell no effect yet, so there is no map.",
        lambda: effect_table(info),
    )


def _ranks(reading: Reading) -> Panel:
    curves = rank_curves(reading.screening)
    shown = _largest(curves)
    left_out = len(curves) - len(shown)
    more = (
        f" Not drawn, for room: {left_out} sites with smaller effects; the data hold all." if left_out else ""
    )
    return _several(
        "ranks",
        "How much to relax",
        [draw_rank_curve(curve) for curve in shown],
        aids.RANK + more,
        "The finished runs tell no effect of a rank yet, so there are no curves.",
        lambda: rank_table(curves),
    )


def _largest(curves: tuple[RankCurve, ...]) -> list[RankCurve]:
    kept = {curve.site for curve in sorted(curves, key=lambda each: -each.largest)[:MOST_SITES]}
    return [curve for curve in curves if curve.site in kept]


def _company(reading: Reading) -> Panel:
    info = company(reading.screening)
    left_out = len(info.contexts) - len(info.shown)
    more = f" Drawn: the {MOST_CONTEXTS} that differ most; the data hold all." if left_out else ""
    return _panel(
        "company",
        "Alone and in company",
        bool(info.contexts),
        lambda: draw_company(info),
        aids.COMPANY + more,
        "Of no choice can both be told yet, its effect alone and in company.",
        lambda: company_table(info),
    )


def _pairs(reading: Reading) -> Panel:
    info = pair_matrix(reading.screening)
    return _panel(
        "pairs",
        "Pairs of sites",
        bool(info.pairs),
        lambda: draw_pairs(info),
        aids.PAIRS,
        "No pair of sites can be told yet: too few finished runs relax both.",
        lambda: pair_table(info),
    )


def _trade_off(reading: Reading, cost: str) -> Panel:
    info = trade_off(reading.runs, cost, reading.confirmation)
    timed = cost == "latency"
    return _panel(
        cost,
        f"Accuracy and {'time' if timed else COSTS[cost]}",
        bool(info.points or info.arms),
        lambda: draw_trade_off(info),
        aids.LATENCY.format(info.device) if timed else aids.TRADE_OFF,
        "Steps are timed for the arms of a confirmation; none has a score yet."
        if timed
        else f"There is no finished run yet whose accuracy could be set against {COSTS[cost]}.",
        lambda: trade_off_table(info),
    )


def _maps(reading: Reading) -> Panel:
    maps = reading.inside.maps
    shown = pictures(maps)
    cut = len(maps) > MOST_MAPPED or any(len(each.weights) > MOST_BANKS for each in maps)
    more = (
        f" Drawn: at most {MOST_MAPPED} sites, those that share least, and {MOST_BANKS} banks;"
        " lrlc_nas.evidence.space_maps gives all."
        if cut
        else ""
    )
    coarse = " Values are means over blocks of positions." if any(each.block > 1 for each in shown) else ""
    return _several(
        "maps",
        "Maps of space",
        [draw_picture(each) for each in shown],
        aids.MAPS.format(_capitalised(reading.inside.why)) + more + coarse,
        reading.inside.maps_reason,
        lambda: picture_table(shown),
    )


def _shifts(reading: Reading) -> Panel:
    info = reading.inside.shifts
    if info is None:
        return Panel("shifts", "What translation tolerance was paid", None, reading.inside.shifts_reason)
    counts = [
        f"{len(slots)} run{'' if len(slots) == 1 else 's'} of the {name}"
        for name, slots in (("relaxed network", info.slots), ("host", info.host_slots))
    ]
    return _panel(
        "shifts",
        "What translation tolerance was paid",
        True,
        lambda: draw_shifts(info),
        aids.SHIFTS.format(info.images, info.role, *counts),
        "",
        lambda: shift_table(info),
    )


def _curves(reading: Reading) -> Panel:
    every = learning_curves(reading.runs, reading.epochs, reading.screening.best)
    info = thinned(every)
    fewer = info != every
    more = f" Thinned: {len(info.curves)} of {len(every.curves)} runs are drawn." if fewer else ""
    return _panel(
        "curves",
        "Learning curves",
        bool(info.curves),
        lambda: draw_learning_curves(info),
        aids.CURVES + more,
        "No epoch has been recorded yet, so there are no curves.",
        lambda: curve_table(info),
    )


def _anytime(reading: Reading) -> Iterator[Panel]:
    info = anytime(reading.runs, reading.epochs)
    for by in ("runs", "seconds"):
        yield _panel(
            f"anytime-{by}",
            f"Best so far, by {by}",
            any(step.best is not None for step in info.steps),
            lambda by=by: draw_anytime(info, by=by),  # type: ignore[misc]
            aids.ANYTIME,
            "No run is complete yet, so there is no best one so far.",
            lambda: anytime_table(info),
        )


def _panel(
    key: str,
    title: str,
    there: bool,
    draw: Callable[[], go.Figure],
    aid: str,
    otherwise: str,
    data: Callable[[], Table],
) -> Panel:
    if not there:
        return Panel(key, title, None, otherwise)
    return Panel(key, title, _json(draw()), aid, data=data())


def _several(
    key: str, title: str, figures: Iterable[go.Figure], aid: str, otherwise: str, data: Callable[[], Table]
) -> Panel:
    small = tuple(_json(figure) for figure in figures)
    if not small:
        return Panel(key, title, None, otherwise)
    return Panel(key, title, None, aid, small, data())


def _json(figure: go.Figure) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(figure.to_json())
    return result


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
