"""A password that is looked for wherever it must not be, while its server does not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil

from .attacks import Attacks
from .commands import Command, Session, run_commands

__all__ = ["CANARY", "COMMANDS", "FORMS", "URLS", "found_in", "look_for_password"]

CANARY = "c4nary/b%1:rd{0}?&#"
"""Whatever a URL or a template could trip over."""

FORMS = (CANARY, quote(CANARY, safe=""), quote_plus(CANARY), "c4nary", "b%251%3Ard")
"""How it could be written, whole or in part."""

COMMANDS = (
    ("list",),
    ("start", "study.toml", "--workers", "1"),
    ("resume", "toy"),
    ("show", "toy"),
    ("report", "toy"),
    ("export", "toy", "-o", "best"),
    ("worker", "toy"),
    ("dashboard", "--port", "0"),
)
"""The commands that are given it."""

URLS = (
    "postgresql://bird:{password}@127.0.0.1:{port}/studies",
    "mariadb://127.0.0.1:{port}/studies?user=bird&password={password}",
)
"""Where it stands: in its usual place, and in the query."""


def look_for_password(folder: Path) -> Attacks:
    """Run commands on servers that do not answer, and look for the password that they were given.

    Args:
        folder: an empty one.
    """
    (folder / "study.toml").write_text("name = 'toy'\n")
    commands = [Command(str(folder), words) for words in COMMANDS]
    lines: set[str] = set()

    def run(url: str) -> Session:
        return run_commands(commands, lambda: lines.update(_command_lines()), LRLC_NAS_STORAGE=url)

    with _closed_port() as port, ThreadPoolExecutor() as pool:
        urls = [url.format(password=quote(CANARY, safe=""), port=port) for url in URLS]
        sessions = list(pool.map(run, urls))
    done = [each for session in sessions for each in session.done]
    words = [*(each.text for each in done), *(session.rest for session in sessions)]
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return Attacks(
        made=len(done),
        told=f"{sum(each.code == 2 for each in done)} refused with exit code 2",
        nought={
            "times in their words": _count(word.encode() for word in words),
            "in files": _count(files),
            "in command lines": _count(line.encode() for line in lines),
        },
        wrong=[
            f"{command.words[0]} ended otherwise, with exit code {each.code}"
            for command, each in zip(commands * len(URLS), done, strict=True)
            if not each.is_refusal()
        ],
    )


def found_in(content: bytes) -> list[str]:
    """The forms of the password that stand there."""
    return [form for form in FORMS if form.encode() in content]


def _count(contents: Iterable[bytes]) -> int:
    return sum(bool(found_in(each)) for each in contents)


@contextmanager
def _closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens, and nobody can as long as the block lasts."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def _command_lines() -> Iterator[str]:
    """The command lines of all processes of this machine."""
    for process in psutil.process_iter(["cmdline"]):
        yield "\0".join(process.info["cmdline"] or ())
