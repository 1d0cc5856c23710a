"""Which claims of a search are worth confirming."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from ..choices import Choice, Plan
from ..errors import InputError
from ..store import StudyRecord
from .effects import Effect, Screening
from .sequential import alpha_of_look
from .t_power import SEEDS_CAP, sd_of_difference, seeds_to_see

__all__ = ["MOST_CELLS", "claims_worth_testing", "expected_seeds", "named_claims", "shrunken"]

MOST_CELLS = 3


def claims_worth_testing(study: StudyRecord, screening: Screening, smallest_effect: float = 0.0) -> dict[str, Plan]:
    """Label to plan: the best few cells of a screening, and the best plan that a run has had, best first.

    Where effects have intervals, a cell counts by its shrunken estimate, and only if that is no smaller than what
    matters; without intervals, by its estimate. Controls make no claim.

    Raises:
        InputError: if there is nothing that the screening speaks for.
    """
    expected = {cell: gain for cell, gain in shrunken(screening).items() if gain > 0 and gain >= smallest_effect}
    best_cells = sorted(expected, key=lambda cell: expected[cell], reverse=True)[:MOST_CELLS]
    claims = {_label(*cell): Plan.of(dict([cell])) for cell in best_cells}
    best = screening.best
    speaks = bool(claims) or not any(effect.low is not None for effect in screening.effects)
    if speaks and best is not None and best.plan is not None and best.plan.relaxes and best.plan not in claims.values():
        claims["best plan"] = best.plan
    if not claims:
        raise InputError(
            f"study {study.name!r}: there is nothing to confirm: {_nothing(screening.runs_used)}; "
            "--site and --choice name one anyway"
        )
    return claims


def shrunken(screening: Screening) -> dict[tuple[str, str], float]:
    """Site and choice to the gain to expect there on fresh seeds: estimates drawn to zero as far as chance spreads.

    With s_j the standard error of effect j, by the spread of all runs, and τ² the mean of e_j² - s_j² over all relaxing
    cells (0 where that is negative), the estimate e_j becomes e_j · τ² / (τ² + s_j²): the posterior mean of normal
    effects around zero. What is told without an interval is not drawn.

    Reference: Efron and Morris, "Data analysis using Stein's estimator and its generalizations", JASA 70 (1975).
    """
    told = [e for e in screening.effects if Choice.parse(e.choice).relaxes and e.estimate is not None]
    errors = {effect: _error(screening, effect) for effect in told if effect.low is not None}
    spread = sum((e.estimate or 0.0) ** 2 - error**2 for e, error in errors.items()) / max(1, len(errors))
    spread = max(0.0, spread)

    def drawn(effect: Effect) -> float:
        estimate, error = effect.estimate or 0.0, errors.get(effect)
        return estimate if not error else estimate * spread / (spread + error**2)

    return {(effect.site, effect.choice): drawn(effect) for effect in told}


def _error(screening: Screening, effect: Effect) -> float:
    """The standard error of an effect with the spread of all runs: that of its own few runs is too rough for this."""
    others = sum(e.runs for e in screening.effects if e.site == effect.site)
    plain = max(1, screening.runs_used - others)
    return (screening.residual_sd or 0.0) * sqrt(1 / max(1, effect.runs) + 1 / plain)


def expected_seeds(screening: Screening, claims: Mapping[str, Plan]) -> dict[str, int]:
    """Label to the seeds that find a claim, at the gain to expect of it, with probability 80 % beside all others.

    The gain of a plan is taken as the sum of its cells'. A claim that is not expected to gain, or too little for
    `SEEDS_CAP` seeds, takes that many; without a spread nothing is known, and there is no label.
    """
    if not screening.residual_sd:
        return {}
    spread, level = sd_of_difference(screening.residual_sd), alpha_of_look(1) / max(1, len(claims))
    gains = shrunken(screening)
    expected = {label: sum(gains.get(cell, 0.0) for cell in plan.tokens.items()) for label, plan in claims.items()}
    return {label: (gain > 0 and seeds_to_see(gain, spread, level)) or SEEDS_CAP for label, gain in expected.items()}


def named_claims(sites: list[str], choices: list[str], plans: list[str]) -> dict[str, Plan]:
    """Read the claims that a user names: each choice at each site, and plans as ``site=token,site=token``.

    Raises:
        InputError: if sites came without choices or the reverse, or a text is no plan.
    """
    if bool(sites) != bool(choices):
        raise InputError("--site and --choice go together: each choice is claimed at each site")
    claims = {_label(site, choice): Plan.of({site: Choice.parse(choice)}) for site in sites for choice in choices}
    for text in plans:
        pairs = [part.partition("=") for part in text.split(",")]
        if not all(site.strip() and equals and token.strip() for site, equals, token in pairs):
            raise InputError(f"--plan {text!r}: required is SITE=CHOICE,SITE=CHOICE")
        plan = Plan.of({site.strip(): token.strip() for site, _, token in pairs})
        claims[f"plan {plan}"] = plan
    return claims


def _nothing(complete: int) -> str:
    if not complete:
        return "none of its runs is complete"
    runs = "its only complete run shows" if complete == 1 else f"its {complete} complete runs show"
    return f"{runs} no gain over conv that chance would not show as well"


def _label(site: str, choice: str) -> str:
    return f"{site}: {choice}"
