"""Study files of a stranger: too much of anything, and what other formats would have done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .attacks import Attack, Attacks, launch
from .commands import Command
from .poison import changed, contents

__all__ = ["OVERRIDES", "STUDY_FILES", "read_study_files"]

_VERBS = ("start", "sites")

_NESTED = 5000
_TOO_DEEP = "values are nested too deeply to be read"

STUDY_FILES: dict[str, tuple[str, str]] = {
    "key-twice": ("seed = 1\nseed = 2\nname = 'x'", r"not TOML: Cannot overwrite a value (at line 2, column 9)"),
    "section-twice": ("[recipe]\nepochs = 1\n[recipe]\nflip = true", "(at line 3, column 8)"),
    "key-twice-inside": ("host = {name = 'a', name = 'b'}", "line 1, column"),
    "unknown-key": ("[recipe]\nepoch = 3", "unknown key 'epoch' in recipe; did you mean epochs?"),
    "unknown-section": ("[__class__]\nx = 1", "unknown key '__class__' in the top level"),
    "confirmation": ("[confirmation]\nof = 'x'", "unknown key 'confirmation' in the top level"),
    "lists": ("x = " + "[" * _NESTED + "]" * _NESTED, _TOO_DEEP),
    "tables": ("[" + ".".join("a" * _NESTED) + "]\nx = 1", _TOO_DEEP),
    "inline-tables": ("x = " + "{x = " * _NESTED + "1" + "}" * _NESTED, _TOO_DEEP),
    "deep-options": ("host.options.x = " + "[" * 300 + "]" * 300, "recursion limit"),
    "digits": ("seed = " + "1" * 5000, "not TOML: Exceeds the limit (4300 digits)"),
    "large": ("# " + "x" * 2**20, "a study file has at most 1,048,576 bytes, and this one has more"),
    "yaml": ("!!python/object/apply:os.system ['touch exploded']", "not TOML: Invalid statement (at line 1, column 1)"),
    "infinite": ("[recipe]\nlearning_rate = inf", "learning_rate must be a finite number"),
    "nul": ("name = 'a\0b'", "not TOML: Found invalid character '\\x00' (at line 1, column 10)"),
    "terminal": ('name = "\\u001b[2J"', "name: must be printable"),
    "not-utf-8": ("name = '\udcff'", "not TOML: 'utf-8' codec can't decode"),
}
"""Study files that are refused, and with which words; a surrogate stands for a byte that is no UTF-8."""

OVERRIDES: dict[str, tuple[str, str]] = {
    "lists": ("seed=" + "[" * _NESTED, "--set: the value cannot be read"),
    "digits": ("seed=" + "1" * _NESTED, "--set: the value cannot be read"),
    "tables": (".".join("a" * _NESTED) + "=1", _TOO_DEEP),
}
"""What is refused after ``--set``, and with which words."""


def read_study_files(folder: Path) -> Attacks:
    """Give commands all of these, and a file without end.

    Args:
        folder: an empty one.
    """
    tried = list(_attacks(folder))
    before = contents(folder)
    done, wrong = launch(tried)
    return Attacks(
        made=len(tried),
        told=f"{sum(each.code == 2 for each in done)} refused with exit code 2",
        nought={"files written": len(changed(folder, before))},
        wrong=wrong,
    )


def _attacks(folder: Path) -> Iterator[Attack]:
    for kind, (text, why) in STUDY_FILES.items():
        home = folder / kind
        home.mkdir()
        (home / "study.toml").write_text(text, errors="surrogateescape")
        for verb in _VERBS:
            yield Attack(kind, Command(str(home), (verb, "study.toml")), why=why)
    for kind, (word, why) in OVERRIDES.items():
        yield Attack(f"--set {kind}", Command(str(folder), ("start", "--set", word)), why=why)
    endless = Command(str(folder), ("start", "/dev/zero"))
    yield Attack("endless", endless, why="/dev/zero: a study file has at most 1,048,576 bytes")
