"""The kinds of studies that the evidence is tried on, and the rates as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from lrlc_nas.evidence.sequential import alpha_of_look
from lrlc_nas.evidence.t_power import POWER, sd_of_difference, visible_effect

from .simulation import Rate, Scenario

__all__ = ["SCENARIOS", "planted_scenarios", "rates_table"]

_NOTHING = (0.0,) * 4

SCENARIOS = (
    Scenario("null, 5 seeds", _NOTHING, sizes=(5,), controls=(0.0, 0.0, 0.0)),
    Scenario("null, claims 5 times as wide", _NOTHING, sds=(0.1, 0.5), controls=(0.0, 0.0, 0.0)),
    Scenario("null, host 5 times as wide", _NOTHING, sds=(0.5, 0.1)),
    Scenario("null, correlation 0.45", _NOTHING, correlation=0.45, controls=(0.0, 0.0, 0.0)),
    Scenario("null, all cells claimed", (0.0,) * 12),
    Scenario("null, one claim alone", (0.0,), family=1),
    Scenario("null, 2 looks", _NOTHING, sizes=(5, 10)),
    Scenario("null, 3 looks", _NOTHING, sds=(0.3, 0.3), sizes=(5, 10, 20), controls=(0.0, 0.0, 0.0)),
    Scenario("null, 3 looks, one claim", (0.0,), sds=(0.5, 0.5), sizes=(5, 10, 20), family=1),
    *(
        Scenario(f"null, {luck}", _NOTHING, sds=(0.5, 0.5), sizes=(8,), family=4, luck=luck)
        for luck in ("t3", "bad seeds")
    ),
    *(
        Scenario(f"null, samples {sd:g}, {seeds} seeds", _NOTHING, sds=(0.5, 0.5), sizes=(seeds,), family=4, samples=sd)
        for sd in (0.3, 0.5)
        for seeds in (5, 10, 20)
    ),
    Scenario("null, samples 0.5, seeds 0.3", _NOTHING, sds=(0.3, 0.3), sizes=(10,), family=4, samples=0.5),
    Scenario("null, samples 0.3, 3 looks", _NOTHING, sds=(0.5, 0.5), sizes=(5, 10, 20), family=4, samples=0.3),
    Scenario("null, 60 claims", (0.0,) * 60, sds=(1.0, 1.0), sizes=(8,), family=60),
    Scenario("null, a claim 3 times as wide", (0.0,), sds=(0.2, 0.6), sizes=(8,), family=1),
    Scenario("null, a control loses half", _NOTHING, sizes=(8,), family=4, controls=(0.0, 0.0), lost=0.5),
    Scenario("null, more seeds as advised", _NOTHING, sds=(0.3, 0.3), sizes=(5,), advised=True),
    Scenario("null, as advised, one claim", (0.0,), sds=(0.3, 0.3), sizes=(5,), family=1, advised=True),
    Scenario("difference of delta", (0.3, 0.0, 0.0, 0.0), sds=(0.1, 0.1)),
    Scenario("difference of -delta", (-0.3, 0.0, 0.0, 0.0), correlation=0.45),
    Scenario("difference of delta, 3 looks", (0.3, 0.0), sizes=(5, 10, 20)),
    Scenario("difference of delta, as advised", (0.3, 0.0), sds=(0.3, 0.3), sizes=(5,), advised=True),
)
"""Studies without a gain, and with a difference on the border of what matters."""


def planted_scenarios() -> tuple[Scenario, ...]:
    """Studies with one gain of the size that the power table calls visible, one for each setting."""
    settings = ((0.2, 0.0, (10,)), (0.4, 0.0, (10,)), (0.4, 0.45, (10,)), (0.3, 0.0, (20,)), (0.3, 0.0, (10, 20)))
    return tuple(_planted(*setting) for setting in settings)


def rates_table(rates: Sequence[Rate]) -> str:
    """The rates as plain text, one in each line; see `Rate.agrees` for what stands behind the promise."""
    names = max(len(rate.scenario) for rate in rates)
    words = max(len(rate.what) for rate in rates)
    return "\n".join(
        f"{rate.scenario:<{names}}  {rate.what:<{words}}  {100 * rate.value:>5.1f} % "
        f"[{100 * rate.low:>5.1f}, {100 * rate.high:>5.1f}]  {_promise(rate)}".rstrip()
        for rate in rates
    )


def _planted(sd: float, correlation: float, sizes: tuple[int, ...], family: int = 12) -> Scenario:
    error = sd_of_difference(sd, correlation) / sqrt(sizes[0])
    effect = visible_effect(error, sizes[0] - 1, alpha_of_look(1) / family, POWER)
    looks = "" if len(sizes) == 1 else f", {len(sizes)} looks"
    return Scenario(
        f"{effect:+.2f} points, sd {sd:g}, correlation {correlation:g}, {sizes[0]} seeds{looks}",
        effects=(effect, 0.0, 0.0, 0.0),
        sds=(sd, sd),
        correlation=correlation,
        sizes=sizes,
        family=family,
        controls=(0.0, effect),
    )


def _promise(rate: Rate) -> str:
    if rate.at_least > 0 and rate.at_most < 1:
        promise = f"{100 * rate.at_least:.0f} to {100 * rate.at_most:.0f} %"
    elif rate.at_least > 0:
        promise = f"at least {100 * rate.at_least:.0f} %"
    elif rate.at_most < 1:
        promise = f"at most {100 * rate.at_most:.0f} %"
    else:
        return ""
    return f"{promise}: {'agrees' if rate.agrees else 'DISAGREES'}"
