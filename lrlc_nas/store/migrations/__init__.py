"""The versions of our tables: a migration brings them forward from one to the next."""

from functools import cache
from pathlib import Path

__all__ = ["MIGRATIONS", "VERSION_TABLE", "known_versions"]

MIGRATIONS = Path(__file__).parent
VERSION_TABLE = "nas_schema"


@cache
def known_versions() -> list[str]:
    """From the newest on, which is the present one; the file of a migration begins with its version."""
    return sorted((path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")), reverse=True)
