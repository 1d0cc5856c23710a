"""The power of a study as plain text, at the measured spread and at the upper end of its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..config import ACCURACY, Metric
from ..evidence.power import (
    EFFECTS,
    CellPower,
    ConfirmationPower,
    Spread,
    confirmation_power,
    look_costs,
    screening_power,
)
from ..evidence.sequential import ALPHA
from ..evidence.t_power import SEEDS_CAP

__all__ = ["power_table"]

_COST_SEEDS = 10
_IN_SPREADS = (0.25, 0.5, 1.0, 2.0, 4.0)


def power_table(
    spread: Spread,
    family: int,
    *,
    design: NDArray[np.float64] | None = None,
    names: Sequence[str] = (),
    correlation: float | None = None,
    metric: Metric = ACCURACY,
    alpha: float = ALPHA,
) -> str:
    """Say what a study can see, in several lines without a final line break.

    Args:
        spread: over seeds.
        family: number of all cells that the study looks at.
        design: of the planned screening, (runs, 1 + cells); no table of it unless given.
        names: of the cells, in the order of the design; numbered unless given.
        correlation: of the pairs, if it was measured; 0 is always shown.
        metric: in whose unit the spread is.
        alpha: of the study.
    """
    sds = (spread.sd, spread.high)
    correlations = (0.0,) if correlation is None else (0.0, correlation)
    on = "" if metric == ACCURACY else f" on {metric.name}"
    effects, digits = _effects(metric, spread.sd), metric.decimals
    powers = [
        confirmation_power(sd, family, correlation=rho, alpha=alpha, effects=effects)
        for rho in correlations
        for sd in sds
    ]
    lines = [
        f"spread over seeds {metric.spread(spread.sd)}, 95 % interval {spread.low:.{digits}f} to "
        f"{spread.high:.{digits}f} ({spread.source}); 'upper' columns take {spread.high:.{digits}f}",
        f"smallest effect{on}{f'{metric.in_unit},' if metric.unit else ''} that is found with probability 80 %",
    ]
    if design is not None:
        cells = [screening_power(design, sd, family=family, alpha=alpha) for sd in sds]
        lines += ["", "screening", *_screening(cells[0], cells[1], names, family, digits)]
    lines += ["", f"confirmation, first look, corrected for {family} cells", *_confirmation(powers, digits)]
    lines += ["", "pairs of runs needed: to see it | to show that nothing is less than it", *_needed(powers, metric)]
    lines += ["", *_looks(family, alpha)]
    return "\n".join(lines)


def _effects(metric: Metric, sd: float) -> tuple[float, ...]:
    """The effects that the needed seeds are told for; where no usual ones are known, by the spread."""
    return EFFECTS if metric == ACCURACY else tuple(float(f"{share * sd:.1g}") for share in _IN_SPREADS)


def _screening(
    cells: Sequence[CellPower], upper: Sequence[CellPower], names: Sequence[str], family: int, digits: int
) -> Iterator[str]:
    width, room = max([4, *map(len, names)]), 3 + digits
    heads = [f"{title:>{room}}" for title in ("alone", "upper", f"of {family:>3}", "upper")]
    yield f"{'cell':<{width}}  runs  {'  '.join(heads)}"
    for cell, worse in zip(cells, upper, strict=True):
        name = names[cell.cell] if names else str(cell.cell)
        shown = (cell.visible, worse.visible, cell.corrected, worse.corrected)
        cells_of_row = zip(shown, map(len, heads), strict=True)
        numbers = "  ".join(f"{_number(value, digits):>{wide}}" for value, wide in cells_of_row)
        yield f"{name:<{width}}  {cell.runs:>4}  {numbers}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _headings(powers: Sequence[ConfirmationPower], digits: int) -> str:
    return "  ".join(f"sd {power.sd:.{digits}f} r {power.correlation:.2f}".rjust(12 + digits) for power in powers)


def _confirmation(powers: Sequence[ConfirmationPower], digits: int) -> Iterator[str]:
    yield f"seeds   {_headings(powers, digits)}"
    for row, seeds in enumerate(powers[0].seeds):
        yield f"{seeds:>5}   " + "  ".join(f"{power.corrected[row]:>{12 + digits}.{digits}f}" for power in powers)


def _needed(powers: Sequence[ConfirmationPower], metric: Metric) -> Iterator[str]:
    title = metric.unit or "effect"
    room = max(6, len(title))
    yield f"{title:<{room}}  {_headings(powers, metric.decimals)}"
    for row, needed in enumerate(powers[0].needed):
        effect = f"{needed.effect:.1f}" if metric == ACCURACY else f"{needed.effect:g}"
        cells = (power.needed[row] for power in powers)
        yield f"{effect:>{room}}  " + "  ".join(
            f"{_seeds(cell.to_see)} | {_seeds(cell.for_equivalence)}".rjust(12 + metric.decimals) for cell in cells
        )


def _seeds(count: int | None) -> str:
    return f">{SEEDS_CAP}" if count is None else str(count)


def _looks(family: int, alpha: float) -> Iterator[str]:
    yield (
        f"seeds may be added later: at {_COST_SEEDS} seeds the smallest visible effect, against that of a test "
        "without other looks, is"
    )
    costs = look_costs(_COST_SEEDS, family, alpha=alpha)
    yield ", ".join(f"look {cost.look} (level {cost.alpha:.4g}) {cost.ratio:.2f} times" for cost in costs)
