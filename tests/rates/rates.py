"""How often the evidence errs, counted on studies whose truth is known.

Two kinds of studies are made up, without training: confirmations, whose run results are drawn from a noise model and
judged by the real rule (`simulation`), and whole searches, screened as real ones are (`screening_simulation`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from lrlc_nas.errors import InputError
from lrlc_nas.evidence.by_chance import probability_of_as_many
from lrlc_nas.evidence.design_matrix import cells_of, main_effects
from lrlc_nas.evidence.t_power import POWER

from .scenarios import SCENARIOS, planted_scenarios, rates_table
from .screening_simulation import Coverage, Setting, coverage, simulate_search
from .simulation import simulate

__all__ = ["SETTINGS", "print_rates"]

SETTINGS = {
    "24 runs, pruned": Setting(),
    "48 runs, pruned": Setting(trials=48),
    "40 runs, pruned, no true effects": Setting(trials=40, effect_sd=0.0, head_start_sd=0.0),
    "16 runs of 2 sites": Setting(sites=2, trials=16, prune=False),
    "24 runs": Setting(prune=False),
    "24 runs, t3 noise": Setting(prune=False, tail=3),
    "24 runs, lc twice as variable": Setting(prune=False, variable="lc", times=2),
    "24 runs, lc 3 times as variable": Setting(prune=False, variable="lc", times=3),
    "24 runs, lc 3 times as variable at one site": Setting(prune=False, variable="lc", times=3, at=2),
    "60 runs, lc 3 times as variable": Setting(prune=False, trials=60, variable="lc", times=3),
}
"""The searches that are simulated."""

NOTHING = Setting(prune=False, effect_sd=0.0, head_start_sd=0.0)
PAIR = Setting(prune=False, effect_sd=0.0, head_start_sd=0.0, together=1.5)
"""Searches of 24 runs without any effect, and with one of two sites together alone."""

BUDGETS = (36, 60, 100, 200)
"""Numbers of runs at which a pruned search is compared with one that is not."""


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
        say("\n".join(_lines(name, found, setting)))
        agrees = agrees and _holds(found, setting)
    say(_chance(studies))
    say(_pair(studies))
    say(_pruning(max(studies // 40, 5)))
    say("every rate agrees with what is promised" if agrees else "a rate DISAGREES with what is promised")
    return agrees


_PROMISES = {False: "93 to 97.5 %", True: "at least 93 %, and of the variable choice 92 to 98 %"}


def _holds(found: Coverage, setting: Setting) -> bool:
    """Whether the intervals keep their promise; of a choice that varies more, those of its own effects.

    The others are then wider than need be, as they share the spread of what varies more.
    """
    if setting.variable:
        return found.rate >= 0.93 and 0.92 <= found.variable_rate <= 0.98  # of a third of the intervals or fewer
    return 0.93 <= found.rate <= 0.975


def _lines(name: str, found: Coverage, setting: Setting) -> list[str]:
    promise = _PROMISES[bool(setting.variable)]
    varying = [f"  of those of {setting.variable}, which varies more      {100 * found.variable_rate:5.1f} %"]
    return [
        "",
        f"screening, {name}: {found.studies} studies, {found.intervals} intervals",
        f"  95 % intervals that hold the truth   {100 * found.rate:5.1f} %   (promised: {promise})",
        *(varying if setting.variable else []),
        f"  median half-width of an interval     {found.width / 2:5.2f}     points",
        f"  mean error of an effect              {found.bias:+5.2f}     points",
        f"  studies with a false disagreement    {100 * found.disagreements:5.1f} %",
        f"  studies with a false interaction     {100 * found.interacting:5.1f} %",
    ]


def _chance(studies: int) -> str:
    """What is said of three intervals that exclude zero, beside what studies without effects show."""
    found = coverage(NOTHING, studies)
    said = [_said(seed) for seed in range(min(studies, 50))]
    return (
        f"\nthree or more of nine intervals exclude zero without any effect: in {100 * found.excluding:.1f} % of "
        f"{studies} studies of 24 runs; the design says {100 * sum(said) / len(said):.1f} %"
    )


def _said(seed: int) -> float:
    made = simulate_search(NOTHING, seed)
    design = main_effects(cells_of(made.study), [run.plan for run in made.runs if run.plan is not None])
    return probability_of_as_many(design, list(range(1, design.shape[1])), 3)


def _pair(studies: int) -> str:
    """How often a gain of two sites together is told as one of a site alone."""
    found = coverage(PAIR, studies)
    return (
        f"a gain of {PAIR.together:g} points of two sites together: headlined as one of a site alone in "
        f"{100 * found.alone:.1f} % of studies, the pair named in {100 * found.interacting:.1f} %"
    )


def _pruning(studies: int) -> str:
    """What pruning does to the precision that the same epochs buy."""
    lines = [f"\nhalf-width times the root of the epochs, in whole runs ({studies} studies of 5 sites of each kind)"]
    for trials in BUDGETS:
        pruned, whole = (coverage(Setting(sites=5, trials=trials, prune=prune), studies) for prune in (True, False))
        costs = [each.width / 2 * sqrt(each.trained) for each in (pruned, whole)]
        lines.append(
            f"  {trials:>3} runs: {costs[0]:.2f} pruned ({pruned.trained:.0f} runs' epochs), {costs[1]:.2f} not, "
            f"{costs[0] / costs[1]:.2f} times as wide for the same epochs"
        )
    return "\n".join(lines)
