"""Numbers as people read them on a page: one way to write each kind, in the report and the dashboard.

Values and effects are written by their `lrlc_nas.Metric`, here with a minus for the hyphen. The terminal and the cards
keep the hyphen: they are copied, searched and read by programs.
"""

from __future__ import annotations

from ..config import Metric

__all__ = [
    "NOTHING",
    "correlation",
    "count",
    "difference",
    "duration",
    "gained",
    "interval",
    "magnitude",
    "percent",
    "shown",
]

NOTHING = "–"
"""What stands where there is no number."""


def shown(metric: Metric, value: float | None) -> str:
    """The value of a run or an epoch: ``84.70 %``, ``12.30 degrees``."""
    return NOTHING if value is None else metric.shown(value).replace("-", "−")


def gained(metric: Metric, gain: float | None, digits: int | None = None) -> str:
    """An effect or another gain without its unit: ``+1.93``; with as many digits as the metric has, unless given."""
    return NOTHING if gain is None else _signed(gain, metric.decimals if digits is None else digits)


def difference(metric: Metric, gain: float | None) -> str:
    """The same with its unit: ``+1.93 points``, ``+0.0123``."""
    return f"{gained(metric, gain)} {metric.unit}".rstrip()


def interval(metric: Metric, low: float | None, high: float | None) -> str:
    """An interval of gains: ``[+0.91, +2.95]``."""
    return NOTHING if low is None or high is None else f"[{gained(metric, low)}, {gained(metric, high)}]"


def correlation(value: float | None) -> str:
    """A correlation: ``+0.52``."""
    return NOTHING if value is None else _signed(value, 2)


def percent(fraction: float | None) -> str:
    """A fraction as a percentage: ``84.21 %``."""
    return NOTHING if fraction is None else f"{100 * fraction:.2f} %"


def count(value: int | None) -> str:
    """A whole number with separators: ``12,345``."""
    return NOTHING if value is None else f"{value:,}"


def magnitude(value: float) -> str:
    """A large number in three digits: ``1.23 M``."""
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * factor:  # below, three digits would be written as 1e+03
            return f"{value / factor:.3g} {letter}"
    return f"{value:g}"


def duration(seconds: float | None) -> str:
    """A time in the two largest of its units: ``42.0 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 59.95:  # above, it would be written as 60.0 s
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    # A value that rounds to zero has no sign worth showing.
    return text.replace("-", "−") if text[1:].strip("0.") else text[1:]
