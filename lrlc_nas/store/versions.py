"""The versions of our tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["MIGRATIONS", "VERSION_TABLE", "known_versions"]

VERSION_TABLE = "nas_schema"
MIGRATIONS = Path(__file__).with_name("migrations")


@cache
def known_versions() -> list[str]:
    """From the newest on, which is the present one; the file of a migration begins with its version."""
    return sorted((path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")), reverse=True)
