"""Words as a terminal may show them: what comes from a database or a network is text, never markup or control."""

from __future__ import annotations

from rich.text import Text

from ...config import Metric

__all__ = ["duration", "interval", "mebibytes", "plain", "shown"]


def plain(words: str, style: str = "") -> Text:
    """The words without control characters; brackets stay brackets."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words), style)


def shown(metric: Metric, value: float | None) -> str:
    """A value in digits of its metric; empty for None."""
    return "" if value is None else metric.shown(value)


def interval(metric: Metric, difference: float | None, low: float | None, high: float | None) -> str:
    """A gain with its interval, without its unit, as far as they are known: ``+1.93 [+0.91, +2.95]``."""
    if difference is None:
        return "not estimable yet"
    between = "" if low is None or high is None else f" [{metric.signed(low)}, {metric.signed(high)}]"
    return metric.signed(difference) + between


def duration(seconds: float | None, workers: int = 1) -> str:
    """About how long some seconds of work take with so many workers: ``9 minutes``; ``unknown`` for None."""
    if seconds is None:
        return "unknown"
    minutes = seconds / max(1, workers) / 60
    return f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{max(1, round(minutes))} min"


def mebibytes(number: float, sign: str = "") -> str:
    """A number of bytes as MiB, with or without a plus."""
    return f"{number / 2**20:{sign},.1f} MiB"
