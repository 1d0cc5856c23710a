"""The power of a study as plain text, at the measured spread and at the upper end of its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..evidence.power import CellPower, ConfirmationPower, Spread, confirmation_power, look_costs, screening_power
from ..evidence.sequential import ALPHA
from ..evidence.t_power import SEEDS_CAP

__all__ = ["power_table"]

_COST_SEEDS = 10


def power_table(
    spread: Spread,
    family: int,
    *,
    design: NDArray[np.float64] | None = None,
    names: Sequence[str] = (),
    correlation: float | None = None,
    alpha: float = ALPHA,
) -> str:
    """Say what a study can see, in several lines without a final line break.

    Args:
        spread: over seeds, from repeats of the host.
        family: number of all cells that the study looks at.
        design: of the planned screening, (runs, 1 + cells); no table of it unless given.
        names: of the cells, in the order of the design; numbered unless given.
        correlation: of the pairs, if it was measured; 0 is always shown.
        alpha: of the study.
    """
    sds = (spread.sd, spread.high)
    correlations = (0.0,) if correlation is None else (0.0, correlation)
    powers = [confirmation_power(sd, family, correlation=rho, alpha=alpha) for rho in correlations for sd in sds]
    lines = [
        f"spread over seeds {spread.sd:.2f} points, 95 % interval {spread.low:.2f} to {spread.high:.2f} "
        f"({spread.runs} runs); 'upper' columns take {spread.high:.2f}",
        "smallest effect, in points, that is found with probability 80 %",
    ]
    if design is not None:
        cells = [screening_power(design, sd, family=family, alpha=alpha) for sd in sds]
        lines += ["", "screening", *_screening(cells[0], cells[1], names, family)]
    lines += ["", f"confirmation, first look, corrected for {family} cells", *_confirmation(powers)]
    lines += ["", "pairs of runs needed: to see it | to show that nothing is less than it", *_needed(powers)]
    lines += ["", *_looks(family, alpha)]
    return "\n".join(lines)


def _screening(
    cells: Sequence[CellPower], upper: Sequence[CellPower], names: Sequence[str], family: int
) -> Iterator[str]:
    width = max([4, *map(len, names)])
    yield f"{'cell':<{width}}  runs  alone  upper  of {family:>3}  upper"
    for cell, worse in zip(cells, upper, strict=True):
        name = names[cell.cell] if names else str(cell.cell)
        shown = (cell.visible, worse.visible, cell.corrected, worse.corrected)
        numbers = "  ".join(f"{_number(value):>{room}}" for value, room in zip(shown, (5, 5, 6, 5), strict=True))
        yield f"{name:<{width}}  {cell.runs:>4}  {numbers}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _headings(powers: Sequence[ConfirmationPower]) -> str:
    return "  ".join(f"{f'sd {power.sd:.2f} r {power.correlation:.2f}':>14}" for power in powers)


def _confirmation(powers: Sequence[ConfirmationPower]) -> Iterator[str]:
    yield f"seeds   {_headings(powers)}"
    for row, seeds in enumerate(powers[0].seeds):
        yield f"{seeds:>5}   " + "  ".join(f"{power.corrected[row]:>14.2f}" for power in powers)


def _needed(powers: Sequence[ConfirmationPower]) -> Iterator[str]:
    yield f"points  {_headings(powers)}"
    for row, needed in enumerate(powers[0].needed):
        cells = (power.needed[row] for power in powers)
        yield f"{needed.effect:>6.1f}  " + "  ".join(
            f"{f'{_seeds(cell.to_see)} | {_seeds(cell.for_equivalence)}':>14}" for cell in cells
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
