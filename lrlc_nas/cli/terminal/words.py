"""Words as a terminal may show them: what comes from a database or a network is text, never markup or control."""

from __future__ import annotations

from rich.text import Text

__all__ = ["mebibytes", "percent", "plain"]


def plain(words: str, style: str = "") -> Text:
    """The words without control characters; brackets stay brackets."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words), style)


def percent(fraction: float | None) -> str:
    """A fraction as percent; empty for None."""
    return "" if fraction is None else f"{100 * fraction:.2f} %"


def mebibytes(number: float, sign: str = "") -> str:
    """A number of bytes as MiB, with or without a plus."""
    return f"{number / 2**20:{sign},.1f} MiB"
