"""What the faults did, as records, JSON and a table that the README can hold."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

__all__ = ["Finding", "findings_table", "machine_line", "to_json"]


@dataclass(frozen=True)
class Finding:
    """One promise, and what became of it.

    Attributes:
        on: where: a kind of database, or files.
        what: was done.
        happened: how often the trouble really came about.
        checked: how many studies, or files, were looked at.
        held: how many of those were as promised.
        seen: what came of it, in words.
        met: whether that is what is required.
        seconds: how long it took.
    """

    on: str
    what: str
    happened: int
    checked: int
    held: int
    seen: str
    met: bool
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """All of it in one line."""
        verdict = "met" if self.met else "NOT MET"
        figures = f"happened {self.happened}, held {self.held} of {self.checked}"
        return f"{verdict}: {self.on}: {self.what}: {figures}; {self.seen} ({self.seconds:.0f} s)"


def findings_table(findings: Sequence[Finding]) -> str:
    """All findings as a table in Markdown."""
    rows = [
        f"| {each.on} | {each.what} | {each.happened} | {each.held} of {each.checked} | {each.seen} "
        f"| {'met' if each.met else 'NOT MET'} | {each.seconds:.0f} |"
        for each in findings
    ]
    head = "| on | what was done | happened | held | seen | | seconds |"
    return "\n".join([head, "| --- | --- | ---: | ---: | --- | --- | ---: |", *rows])


def machine_line() -> str:
    """When, where and with what it was found."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "optuna", "sqlalchemy"))
    return f"{datetime.now(UTC):%Y-%m-%d}, {system}, {packages}"


def to_json(findings: Sequence[Finding]) -> str:
    """The machine and all findings as JSON text."""
    content = {"machine": machine_line(), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(content, indent=1) + "\n"
