"""Words as a terminal may show them: what comes from a database or a network is text, never markup or control."""

from __future__ import annotations

from rich.text import Text

__all__ = ["interval", "mebibytes", "percent", "plain"]


def plain(words: str, style: str = "") -> Text:
    """The words without control characters; brackets stay brackets."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words), style)


def percent(fraction: float | None) -> str:
    """A fraction as percent; empty for None."""
    return "" if fraction is None else f"{100 * fraction:.2f} %"


def interval(difference: float | None, low: float | None, high: float | None) -> str:
    """A difference in points with its interval, as far as they are known: ``+1.93 [+0.91, +2.95]``."""
    if difference is None:
        return "not estimable yet"
    return f"{difference:+.2f}" + (f" [{low:+.2f}, {high:+.2f}]" if low is not None and high is not None else "")


def mebibytes(number: float, sign: str = "") -> str:
    """A number of bytes as MiB, with or without a plus."""
    return f"{number / 2**20:{sign},.1f} MiB"
