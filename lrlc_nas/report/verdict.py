"""The verdict: what the screening shows, in honest sentences, the first of them the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..choices import Choice
from ..evidence import Effect, Screening
from ..store import RunRecord, StudyRecord
from .numbers import interval, percent, points


__all__ = ["verdict"]

_RELAXATIONS = ("lrlc", "lc")


def verdict(study: StudyRecord, runs: Sequence[RunRecord], screening: Screening) -> tuple[str, ...]:
    """Say what a screening shows.

    Args:
        study: that was screened.
        runs: all of its runs.
        screening: what was computed from them.

    Returns:
        Whole sentences; the first answers the question, the others qualify it.
    """
    return tuple(_sentences(study, runs, screening))


def _sentences(study: StudyRecord, runs: Sequence[RunRecord], screening: Screening) -> Iterator[str]:
    told = [effect for effect in screening.effects if effect.estimable]
    with_interval = [effect for effect in told if effect.low is not None]
    if screening.runs_used == 0:
        yield "No run has finished yet, so that this screening shows nothing so far."
    elif not told:
        yield "The runs that have finished separate no choice from another: no effect can be told yet."
    elif not with_interval:
        yield from _without_interval(told)
    else:
        yield from _with_interval(with_interval)
    yield from _best(screening)
    yield from _progress(study, runs)


def _without_interval(told: Sequence[Effect]) -> Iterator[str]:
    largest = max(told, key=_estimate)
    yield (
        f"In this screening, {_act(largest)} has the highest estimate, {points(largest.estimate)} points, "
        "but the runs leave nothing to tell it from chance."
    )


def _with_interval(effects: Sequence[Effect]) -> Iterator[str]:
    clear = [effect for effect in effects if effect.distinguishable]
    gains = [effect for effect in clear if _estimate(effect) > 0]
    losses = [effect for effect in clear if _estimate(effect) < 0]
    if not clear:
        largest = max(effects, key=_estimate)
        yield (
            f"In this screening, no choice can be told from conv: {_all_intervals(len(effects))} zero. "
            f"The highest estimate is that of {_act(largest)}, {_moved(largest)}."
        )
    else:
        yield _headline(max(gains, key=_estimate, default=None), min(losses, key=_estimate, default=None))
        yield (
            f"{len(clear)} of {len(effects)} intervals exclude{'s' if len(clear) == 1 else ''} zero; about "
            f"{0.05 * len(effects):.1f} would by chance alone."
        )
    yield (
        "This is one look at a screening and not confirmed: the most extreme of many estimates is also the "
        "luckiest, so expect less of it."
    )


def _headline(gain: Effect | None, loss: Effect | None) -> str:
    parts = [f"{_act(effect)} moved accuracy by {_moved(effect)}" for effect in (gain, loss) if effect]
    ending = "" if gain else "; no choice showed a gain"
    return f"In this screening, {'; '.join(parts)}{ending}."


def _best(screening: Screening) -> Iterator[str]:
    best, host = screening.best, screening.host
    if best is None:
        return
    text = f"The best single run, number {best.slot}, reached {percent(best.value)} on the search images"
    if host.mean is not None:
        seeds = "one seed" if host.runs == 1 else f"the mean of {host.runs} seeds"
        spread = "" if host.sd is None else f", standard deviation {host.sd:.2f} points"
        text += f"; the host reached {percent(host.mean / 100)} ({seeds}{spread})"
    yield text + "."


def _progress(study: StudyRecord, runs: Sequence[RunRecord]) -> Iterator[str]:
    states = Counter(run.state for run in runs)
    open_ = [f"{states[state]} {state}" for state in ("running", "waiting") if states[state]]
    if open_:
        yield f"The study is not finished: of {study.trials} runs, {' and '.join(open_)}."


def _act(effect: Effect) -> str:
    if Choice.parse(effect.choice).kind in _RELAXATIONS:
        return f"relaxing {effect.site} with {effect.choice}"
    return f"replacing {effect.site} by the control {effect.choice}"


def _moved(effect: Effect) -> str:
    return f"{points(effect.estimate)} points {interval(effect.low, effect.high)}"


def _all_intervals(number: int) -> str:
    return "the only interval includes" if number == 1 else f"all {number} intervals include"


def _estimate(effect: Effect) -> float:
    return effect.estimate if effect.estimate is not None else 0.0
