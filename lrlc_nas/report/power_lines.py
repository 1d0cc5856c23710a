"""The power of a study in sentences: what each claim needs to be confirmed, and what the screening could see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..choices import Plan, controls
from ..config import ACCURACY, Metric
from ..evidence.power import CellPower, Spread
from ..evidence.sequential import alpha_of_look
from ..evidence.t_power import SEEDS_CAP, sd_of_difference, seeds_to_see
from .numbers import difference, duration

__all__ = ["ClaimPower", "claim_powers", "power_lines"]


@dataclass(frozen=True)
class ClaimPower:
    """What the confirmation of one claim takes for a power of 80 %, beside the host and its controls alone.

    Attributes:
        effect: that is taken for true, a gain in the unit of the metric.
        seeds: for each arm; None if more than `SEEDS_CAP`.
        cautious: the same at the upper end of the interval of the spread.
        runs: of all arms; None without `seeds`.
        seconds: of one worker; None without `runs`, or where no epoch took time.
    """

    label: str
    effect: float
    seeds: int | None
    cautious: int | None
    runs: int | None
    seconds: float | None


def claim_powers(
    claims: Mapping[str, tuple[Plan, float]],
    spread: Spread,
    *,
    correlation: float = 0.0,
    seconds_per_run: float | None = None,
) -> tuple[ClaimPower, ...]:
    """What each claim takes, at the first look and corrected for all of these claims.

    Args:
        claims: label to plan and effect.
        spread: over seeds.
        correlation: of the pairs.
        seconds_per_run: of one worker; None if it is not known.
    """
    level = alpha_of_look(1) / max(len(claims), 1)

    def power(label: str, plan: Plan, effect: float) -> ClaimPower:
        seeds, cautious = (
            seeds_to_see(effect, sd_of_difference(sd, correlation), level) for sd in (spread.sd, spread.high)
        )
        runs = None if seeds is None else seeds * _arms(plan)
        seconds = None if runs is None or not seconds_per_run else runs * seconds_per_run
        return ClaimPower(label, effect, seeds, cautious, runs, seconds)

    return tuple(power(label, plan, effect) for label, (plan, effect) in claims.items())


def power_lines(
    spread: Spread, powers: Sequence[ClaimPower], cells: Sequence[CellPower], metric: Metric = ACCURACY
) -> Iterator[str]:
    """One sentence on the spread, one for each claim, and what the screening can see of one choice."""
    digits = metric.decimals
    yield (
        f"spread over seeds {metric.spread(spread.sd)} [{spread.low:.{digits}f}, {spread.high:.{digits}f}], from "
        f"{spread.source} ({spread.degrees} degree{'' if spread.degrees == 1 else 's'} of freedom)"
    )
    yield from (_sentence(power, metric) for power in powers)
    if not powers:
        yield "no gain over conv shows that chance would not show as well, so there is no claim to plan for"
    else:
        yield "these gains are the estimates of the screening, drawn to zero as far as chance spreads them"
    visible = sorted(cell.visible for cell in cells if cell.visible is not None)
    if visible:
        smallest, largest = (difference(metric, end) for end in (visible[0], visible[-1]))
        seen = smallest if smallest == largest else f"{smallest} to {largest}"
        on = "" if metric == ACCURACY else f" on {metric.name}"
        yield f"the screening itself finds an effect{on} of {seen} with probability 80 %, each choice taken alone"


def _arms(plan: Plan) -> int:
    """The host, the claim and its controls, before any of them turns out to be too dear."""
    ranks = {(site, choice): choice.rank or 2 for site, choice in plan}  # any: their number does not depend on it
    return 2 + len(controls(plan, ranks))


def _sentence(power: ClaimPower, metric: Metric) -> str:
    at = f"{power.label} at {difference(metric, power.effect)}"
    if power.seeds is None:
        return f"{at}: more than {SEEDS_CAP} seeds for 80 %"
    cautious = f"more than {SEEDS_CAP}" if power.cautious is None else str(power.cautious)
    time = "" if power.seconds is None else f", {duration(power.seconds)} of one worker"
    upper = "" if power.cautious == power.seeds else f" ({cautious} seeds if the spread is as large as it may be)"
    return f"{at}: {power.seeds} seeds, {power.runs} runs{time} for 80 %{upper}"
