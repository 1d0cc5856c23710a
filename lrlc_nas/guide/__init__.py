"""The manual: a topic a file, in Markdown beside this one; `lrlc-nas guide` prints it, README links to it."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError

__all__ = ["TOPICS", "read_topic", "topic_title"]

TOPICS = (
    "first-study",
    "commands",
    "study-file",
    "training",
    "confirm",
    "python",
    "dashboard",
    "cluster",
    "reliability",
    "security",
    "limits",
    "architecture",
    "contributing",
)
"""All topics, in the order in which they are read best."""

_FOLDER = Path(__file__).parent


def read_topic(name: str) -> str:
    """The text of one of `TOPICS`, as Markdown.

    Raises:
        InputError: if there is no such topic; it names those that there are.
    """
    if name not in TOPICS:
        raise InputError(f"no topic {name!r}; a topic is one of {', '.join(TOPICS)}")
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def topic_title(name: str) -> str:
    """The heading of a topic, which says in one line what it is about."""
    return read_topic(name).partition("\n")[0].removeprefix("# ")
