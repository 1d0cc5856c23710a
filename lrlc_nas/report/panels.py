"""All figures of the page, each with its aid, or with the sentence that stands in its place."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.conclusion import Conclusion
from . import aids
from .anytime import anytime, anytime_table, draw_anytime
from .effect_map import draw_effect_map, effect_map, effect_table
from .forest import forest, forest_table
from .forest_view import draw_forest
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
from .panel import Panel, one_figure, several_figures
from .rank_curves import MOST_SITES, RankCurve, draw_rank_curve, rank_curves, rank_table
from .reading import Reading
from .shift_view import draw_shifts, shift_table
from .space_view import MOST_BANKS, draw_picture, picture_table, pictures
from .space_view import MOST_SITES as MOST_MAPPED
from .trade_off import COSTS, draw_trade_off, trade_off, trade_off_table


__all__ = ["panels"]

_TITLES = {"parameters": "parameters", "macs": "MACs", "latency": "time"}
_AIDS = {"parameters": aids.TRADE_OFF, "macs": aids.MACS, "latency": aids.LATENCY}


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
    return one_figure(
        "forest",
        "Claims on fresh seeds",
        bool(info.rows),
        lambda: draw_forest(info),
        aids.FOREST,
        _why_no_forest(reading.conclusion),
        lambda: forest_table(info),
    )


def _why_no_forest(conclusion: Conclusion | None) -> str:
    if conclusion is None:
        return (
            "Nothing of this study is confirmed or refuted yet: "
            "'lrlc-nas confirm' trains its claims on fresh seeds."
        )
    if conclusion.open_runs:
        return (
            "No stage of the confirmation has ended with a whole pair of runs yet, "
            "so there is nothing to compare."
        )
    return (
        "The confirmation has ended, but no claim of it can be compared with the host, seed by seed; "
        "'lrlc-nas confirm' with a larger --seeds adds seeds."
    )


def _effects(reading: Reading) -> Panel:
    info = effect_map(reading.screening, reading.runs, reading.conclusion)
    return one_figure(
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
    return several_figures(
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
    return one_figure(
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
    return one_figure(
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
    return one_figure(
        cost,
        f"Accuracy and {_TITLES[cost]}",
        bool(info.points or info.arms),
        lambda: draw_trade_off(info),
        _AIDS[cost].format(info.device),
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
        " lrlc_nas.inspection.space_maps gives all."
        if cut
        else ""
    )
    coarse = " Values are means over blocks of positions." if any(each.block > 1 for each in shown) else ""
    return several_figures(
        "maps",
        "Maps of space",
        [draw_picture(each) for each in shown],
        aids.MAPS.format(_capitalised(reading.inside.why)) + more + coarse,
        reading.inside.maps_reason,
        lambda: picture_table(shown),
        begins=[number for number, each in enumerate(shown) if each.kind == "distance"],
    )


def _shifts(reading: Reading) -> Panel:
    info = reading.inside.shifts
    if info is None:
        return Panel("shifts", "What translation tolerance was paid", None, reading.inside.shifts_reason)
    counts = [
        f"{len(slots)} run{'' if len(slots) == 1 else 's'} of the {name}"
        for name, slots in (("relaxed network", info.slots), ("host", info.host_slots))
    ]
    return one_figure(
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
    more = (
        f" Thinned: {len(info.curves)} of {len(every.curves)} runs are drawn; the call from Python gives all."
        if fewer
        else ""
    )
    return one_figure(
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
        yield one_figure(
            f"anytime-{by}",
            f"Best so far, by {by}",
            any(step.best is not None for step in info.steps),
            lambda by=by: draw_anytime(info, by=by),  # type: ignore[misc]
            aids.ANYTIME,
            "No run is complete yet, so there is no best one so far.",
            lambda: anytime_table(info),
        )


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
