"""The tables that the report prints: a file each, and the list of all in the order of the page."""

from typing import Any

from . import audit, challenges, claims, disagreements, effects, runs, spending, test_split
from .printed import PrintedTable as PrintedTable

TABLES: tuple[PrintedTable[Any], ...] = (
    claims.TABLE,
    challenges.TABLE,
    test_split.TABLE,
    effects.TABLE,
    disagreements.TABLE,
    audit.TABLE,
    spending.TABLE,
    runs.TABLE,
)
"""All tables of the report, in the order of the page."""
