"""How often the evidence errs, counted on studies whose truth is known.

Two kinds of studies are made up, without training: confirmations, whose run results are drawn from a noise model and
judged by the real rule (`simulation`), and whole searches, screened as real ones are (`screening_simulation`).
"""

from __future__ import annotations

from collections.abc import Callable

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.t_power import POWER

from .scenarios import SCENARIOS, planted_scenarios, rates_table
from .screening_simulation import Coverage, Setting, coverage
from .simulation import simulate

__all__ = ["SETTINGS", "print_rates"]

SETTINGS = {
    "24 trials": Setting(),
    "48 trials": Setting(trials=48),
    "40 trials, no true effects": Setting(trials=40, effect_sd=0.0, head_start_sd=0.0),
}
"""The searches that are simulated."""


def print_rates(say: Callable[[str], object], studies: int = 1000) -> bool:
    """Simulate studies and print what the evidence promises beside what it does.

    Args:
        say: takes one text after the other.
        studies: of each scenario and setting.

    Returns:
        Whether every rate agrees with what is promised, as `Rate.agrees` says.

    Raises:
        InputError: if there are fewer than 100 studies, which tell a rate of 5 % to no better than 4 points.
    """
    if studies < 100:
        raise InputError(f"rates need at least 100 studies, but --studies is {studies}")
    rates = (*simulate(SCENARIOS, studies=studies), *simulate(planted_scenarios(), studies=studies, power=POWER))
    say(f"confirmations, {studies} studies of each kind; a rate agrees with a promise that its 95 % interval meets")
    say(rates_table(rates))
    agrees = all(rate.agrees for rate in rates)
    for name, setting in SETTINGS.items():
        found = coverage(setting, studies)
        say("\n".join(_lines(name, found)))
        agrees = agrees and 0.93 <= found.rate <= 0.97
    say("every rate agrees with what is promised" if agrees else "a rate DISAGREES with what is promised")
    return agrees


def _lines(name: str, found: Coverage) -> list[str]:
    return [
        "",
        f"screening, {name}: {found.studies} studies, {found.intervals} intervals",
        f"  95 % intervals that hold the truth   {100 * found.rate:5.1f} %   (promised: 93 to 97 %)",
        f"  mean error of an effect              {found.bias:+5.2f}     points",
        f"  studies with a false disagreement    {100 * found.disagreements:5.1f} %",
        f"  studies with a false interaction     {100 * found.interacting:5.1f} %",
    ]
