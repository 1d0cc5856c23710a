"""Which claims of a search are worth confirming."""

from __future__ import annotations

from ..choices import Choice, Plan
from ..errors import InputError
from ..store import StudyRecord
from .effects import Effect, Screening

__all__ = ["MOST_CELLS", "claims_worth_testing", "named_claims"]

MOST_CELLS = 3


def claims_worth_testing(study: StudyRecord, screening: Screening) -> dict[str, Plan]:
    """Label to plan: the best few cells of a screening, and the best plan that a run has had, best first.

    Cells count by the lower end of their interval, which weighs what was seen against how well it was seen; without
    intervals, by their estimate. Controls make no claim.

    Raises:
        InputError: if there is nothing that looks better than the host.
    """
    gains = [e for e in screening.effects if Choice.parse(e.choice).relaxes and (e.estimate or 0) > 0]
    gains.sort(key=_promise, reverse=True)
    claims = {_label(effect.site, effect.choice): Plan.of({effect.site: effect.choice}) for effect in gains}
    claims = dict(list(claims.items())[:MOST_CELLS])
    best = screening.best
    if best is not None and best.plan is not None and best.plan.relaxes and best.plan not in claims.values():
        claims["best plan"] = best.plan
    if not claims:
        raise InputError(
            f"study {study.name!r}: there is nothing to confirm: {_nothing(screening.runs_used)}; "
            "--site and --choice name one anyway"
        )
    return claims


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
    return f"{runs} no choice that looks better than conv"


def _label(site: str, choice: str) -> str:
    return f"{site}: {choice}"


def _promise(effect: Effect) -> tuple[bool, float]:
    if effect.low is not None:
        return True, effect.low
    return False, effect.estimate or 0.0
