"""All that strangers try: code in files and rows, words, requests, and a look for the password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .attacks import Attacks
from .canary import look_for_password
from .door import knock
from .rows import look_at_rows
from .study_files import read_study_files
from .weights import load_weights

__all__ = ["STRANGERS"]

STRANGERS: dict[str, tuple[str, Callable[[Path], Attacks]]] = {
    "weights of a stranger": ("files", load_weights),
    "study files of a stranger": ("files", read_study_files),
    "rows of a stranger": ("SQLite", look_at_rows),
    "requests to the dashboard without the right": ("SQLite", knock),
    "a password in LRLC_NAS_STORAGE, of servers that do not answer": ("files", look_for_password),
}
"""What is tried, in words, where, and by whom: each fills an empty folder."""
