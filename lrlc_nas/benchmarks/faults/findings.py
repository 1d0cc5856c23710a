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
        what: was done.
        required: what must come of it.
        seen: what came of it.
        met: whether that is what is required.
        seconds: how long it took.
    """

    what: str
    required: str
    seen: str
    met: bool
    seconds: float = 0.0


def findings_table(findings: Sequence[Finding]) -> str:
    """All findings as a table in Markdown."""
    rows = [
        f"| {each.what} | {each.required} | {each.seen} | {'met' if each.met else 'NOT MET'} | {each.seconds:.0f} |"
        for each in findings
    ]
    return "\n".join(["| what | required | seen | | seconds |", "| --- | --- | --- | --- | ---: |", *rows])


def machine_line() -> str:
    """Where and with what it was found."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "optuna", "sqlalchemy"))
    return f"{datetime.now(UTC):%Y-%m-%d}, SQLite, {system}, {packages}"


def to_json(findings: Sequence[Finding]) -> str:
    """The machine and all findings as JSON text."""
    content = {"machine": machine_line(), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(content, indent=1) + "\n"
