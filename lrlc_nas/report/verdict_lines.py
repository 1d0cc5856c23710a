"""The verdict: what a study shows, in honest sentences, the first of them the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..choices import Choice
from ..config import Metric
from ..evidence import Effect, Screening
from ..evidence.conclusion import ClaimResult
from ..facts import EndCause, RunState
from ..store import RunRecord, StudyRecord
from .numbers import difference, interval
from .reading import Confirmation

__all__ = ["opened", "verdict"]


def verdict(
    study: StudyRecord, runs: Sequence[RunRecord], screening: Screening, confirmation: Confirmation | None = None
) -> tuple[str, ...]:
    """Say what a study shows: its confirmation where there is one, and then what the screening had seen.

    Returns:
        Whole sentences; the first answers the question, the others qualify it.
    """
    screened = tuple(_sentences(study, runs, screening))
    if confirmation is None:
        return screened
    if not any(result.verdict for result in confirmation.conclusion.results):
        return (*screened, _not_yet(confirmation))
    return (*_confirmed(confirmation), *screened)


def opened(times: int, elsewhere: int = 0) -> str:
    """How often the test split was opened, and how often its images by other studies besides."""
    if not times + elsewhere:
        return "the test split was never opened"
    own = f"the test split was opened {_times(times)}" if times else "the test split was never opened here"
    return own + (f", and its images {_times(elsewhere)} by other studies" if elsewhere else "")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _confirmed(confirmation: Confirmation) -> Iterator[str]:
    conclusion = confirmation.conclusion
    looks = opened(len(confirmation.openings), confirmation.opened_elsewhere)
    told = [result for result in conclusion.results if result.verdict]
    gains, rest = list(conclusion.confirmed), [each for each in told if each not in conclusion.confirmed]
    seeds = f"{len(conclusion.seeds)} fresh seed{'' if len(conclusion.seeds) == 1 else 's'}"
    if gains:
        yield f"Confirmed on {seeds}: {'; '.join(map(_gain, gains))} ({looks})."
    else:
        yield f"No claim is confirmed on {seeds}: {'; '.join(map(_outcome, rest))} ({looks})."
    if gains and rest:
        yield f"Not confirmed: {'; '.join(map(_outcome, rest))}."
    if len(told) < len(conclusion.results):
        yield f"Without a verdict: {_untold(confirmation)}."
    family = conclusion.rule.family
    what = "claims" if conclusion.rule.together else "choices that were looked at"
    over = "the one claim" if family == 1 else f"all {family} {what}"
    yield (
        f"Verdicts hold together over {over} (Holm), with "
        f"{conclusion.rule.metric.amount(conclusion.rule.delta)} as the smallest effect that matters, set beforehand; "
        f"interim looks at the confirm split: {conclusion.looks}."
    )
    if conclusion.open_runs:
        yield _under_way(confirmation, "the verdicts are those of the interim look before")


def _not_yet(confirmation: Confirmation) -> str:
    if confirmation.conclusion.open_runs:
        return _under_way(confirmation, "nothing is confirmed or refuted so far")
    return f"The confirmation has ended without a verdict: {_untold(confirmation)}."


def _untold(confirmation: Confirmation) -> str:
    """The claims without a verdict, each with the reason."""
    untold = [result for result in confirmation.conclusion.results if not result.verdict]
    return "; ".join(f"{result.label}: {result.reason}" for result in untold)


def _under_way(confirmation: Confirmation, so_far: str) -> str:
    total = len(confirmation.runs)
    ended = total - confirmation.conclusion.open_runs
    return f"A confirmation is under way: {ended} of its {total} runs have ended, and {so_far}."


def _gain(result: ClaimResult) -> str:
    assert result.verdict is not None
    beats, left = result.verdict.beats, result.verdict.not_beaten
    text = f"{result.label} helps{result.verdict.recipe} by {_difference(result)}"
    if not beats and not left:
        text += ", with no control beside it"
    else:
        text += f" and beats {_listed(beats)}" if beats else " but beats none of its controls"
    if beats and left:
        text += f", but not {_listed(left)}"
    # What a control cannot explain is all of the gain: a part of it may be its doing.
    text += _matched(result)
    return f"{text}; {result.verdict.challenge}" if result.verdict.challenge else text


def _matched(result: ClaimResult) -> str:
    """What the controls with banks have in common with a choice that has none."""
    without = [choice.token for _, choice in result.plan if choice.relaxes and not choice.rank]
    banks = [label for label in result.controls if label in ("wide", "tied")]
    if not without or not banks:
        return ""
    return f"; {_listed(banks)} match{'es' if len(banks) == 1 else ''} the time of {without[0]}, not its parameters"


def _outcome(result: ClaimResult) -> str:
    assert result.verdict is not None
    outcome, doubt = result.verdict.outcome, result.verdict.doubt
    words = outcome if outcome == "hurts" else f"is {outcome}"
    words += "" if outcome == "undecided" else result.verdict.recipe
    return f"{result.label} {words}, {_difference(result)}{f' ({doubt})' if doubt else ''}"


def _difference(result: ClaimResult) -> str:
    assert result.verdict is not None
    comparison, metric = result.verdict.comparison, result.verdict.metric
    if comparison.low is None:
        return f"{difference(metric, comparison.difference)}, {comparison.reason}"
    history = result.verdict.history
    measured = f"{difference(metric, comparison.difference)} {interval(metric, comparison.low, comparison.high)}"
    return f"{measured} ({history})" if history else measured


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _sentences(study: StudyRecord, runs: Sequence[RunRecord], screening: Screening) -> Iterator[str]:
    told = [effect for effect in screening.effects if effect.estimable]
    with_interval = [effect for effect in told if effect.low is not None]
    if screening.runs_used == 0:
        yield _nothing(study, runs)
    elif not told:
        yield "No effect is estimable yet: the finished runs do not separate any choice from another."
    elif not with_interval:
        yield from _without_interval(told, study.metric)
    else:
        yield from _with_interval(with_interval, study.metric, screening)
    yield from _best(screening, study.metric)
    yield from _progress(study, runs)


def _nothing(study: StudyRecord, runs: Sequence[RunRecord]) -> str:
    states = Counter(
        "diverged" if run.cause == EndCause.DIVERGED else run.state.value for run in runs if run.state.is_final
    )
    if not states:
        return "No run has finished yet, so that this screening shows nothing so far."
    ended = " and ".join(f"{number} {state}" for state, number in states.items())
    return f"No run is complete ({ended}), so that this screening shows nothing."


def _without_interval(told: Sequence[Effect], metric: Metric) -> Iterator[str]:
    largest = max(told, key=_estimate)
    yield (
        f"In this screening, {_act(largest)} has the highest estimate, {difference(metric, largest.estimate)}, "
        "but there are too few runs to tell it from chance."
    )


def _with_interval(effects: Sequence[Effect], metric: Metric, screening: Screening) -> Iterator[str]:
    clear = [effect for effect in effects if effect.distinguishable]
    gains = [effect for effect in clear if _estimate(effect) > 0]
    losses = [effect for effect in clear if _estimate(effect) < 0]
    if not clear:
        largest = max(effects, key=_estimate)
        include = "the only interval includes" if len(effects) == 1 else f"all {len(effects)} intervals include"
        yield (
            f"In this screening, no choice can be distinguished from conv: {include} zero. "
            f"The highest estimate is that of {_act(largest)}, {_moved(largest, metric)}."
        )
    else:
        extremes = (max(gains, key=_estimate, default=None), min(losses, key=_estimate, default=None))
        yield _headline(*extremes, metric, screening)
        yield (
            f"{len(clear)} of {len(effects)} intervals exclude{'s' if len(clear) == 1 else ''} zero; about "
            f"{0.05 * len(effects):.1f} would by chance alone{_as_many(screening.by_chance)}."
        )
    yield (
        "A screening confirms nothing: the most extreme of many estimates is also the one that chance "
        "favoured most, so expect less of it."
    )


def _as_many(by_chance: float | None) -> str:
    if by_chance is None:
        return ""
    percent = "less than 1" if by_chance < 0.01 else f"{100 * by_chance:.0f}"
    return f", and as many or more in {percent} % of studies of this design without any effect"


def _headline(gain: Effect | None, loss: Effect | None, metric: Metric, screening: Screening) -> str:
    moved = f"moved {metric.name}" if metric.direction == "maximize" else f"lowered {metric.name}"
    parts = [
        f"{_act(effect)}{_of_the_set(effect, screening)} {moved} by {_moved(effect, metric)}"
        for effect in (gain, loss)
        if effect
    ]
    ending = "" if gain else "; no gain can be told from zero"
    return f"In this screening, {'; '.join(parts)}{ending}."


def _of_the_set(effect: Effect, screening: Screening) -> str:
    """What to add where the effect is known of whole plans and not of its site alone."""
    if screening.known_alone(effect):
        return ""
    others = list(dict.fromkeys(each.site for each in screening.effects if each.site != effect.site))
    if not others:
        return ""
    return f", in plans that relax {' or '.join(others)} too (what it does alone is not known),"


def _best(screening: Screening, metric: Metric) -> Iterator[str]:
    best, host = screening.best, screening.host
    if best is None or best.value is None:
        return
    text = f"The best single run, number {best.number}, reached {metric.named(best.value)} on the search split"
    if host.mean is not None:
        seeds = "one seed" if host.runs == 1 else f"the mean of {host.runs} seeds"
        spread = "" if host.sd is None else f", standard deviation {metric.spread(host.sd)}"
        text += f"; the host reached {metric.shown(host.mean / metric.scale)} ({seeds}{spread})"
    yield text + "."


def _progress(study: StudyRecord, runs: Sequence[RunRecord]) -> Iterator[str]:
    states = Counter(run.state for run in runs)
    open_ = [f"{states[state]} {state}" for state in (RunState.RUNNING, RunState.WAITING) if states[state]]
    if open_:
        yield f"The study is not finished: of {study.trials} runs, {' and '.join(open_)}."


def _act(effect: Effect) -> str:
    if Choice.parse(effect.choice).relaxes:
        return f"relaxing {effect.site} with {effect.choice}"
    return f"replacing {effect.site} by the control {effect.choice}"


def _moved(effect: Effect, metric: Metric) -> str:
    return f"{difference(metric, effect.estimate)} {interval(metric, effect.low, effect.high)}"


def _estimate(effect: Effect) -> float:
    return effect.estimate if effect.estimate is not None else 0.0
