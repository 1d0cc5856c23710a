"""What a script that trains has to change to be a study, as a diff without context."""

import difflib
from pathlib import Path

__all__ = ["STRANGERS", "changes", "page"]

HERE = Path(__file__).parent
STUDIES = HERE.parents[1] / "studies"
PAGE = HERE.parents[1] / "lrlc_nas" / "guide" / "training.md"
STRANGERS = ("segmentation", "rotation", "spoken_digits", "lightning_garments")


def changes(name: str) -> list[str]:
    """The lines that go and those that come."""
    plain, study = ((folder / file).read_text().splitlines() for folder, file in _places(name))
    lines = difflib.unified_diff(plain, study, lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@")) and line[1:].strip()]


def page() -> str:
    """The page of the guide with its diffs as they are now."""
    text = PAGE.read_text()
    for name in STRANGERS:
        begin = f"<!-- changes of {name} -->\n"
        before, _, rest = text.partition(begin)
        block = "```diff\n" + "\n".join(changes(name)) + "\n```\n"
        text = before + begin + block + rest.partition("\n```\n")[2] if rest else text
    return text


def _places(name: str) -> tuple[tuple[Path, str], tuple[Path, str]]:
    return (HERE / "plain", f"plain_{name}.py"), (STUDIES, f"{name}.py")


if __name__ == "__main__":
    PAGE.write_text(page())
