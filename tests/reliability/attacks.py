"""What strangers tried, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .commands import Command, Done, run_commands

__all__ = ["Attack", "Attacks", "launch"]


@dataclass(frozen=True)
class Attacks:
    """What strangers tried, and how it ended.

    Attributes:
        made: how many things.
        told: how they were refused, in words.
        nought: what must not happen, and how often it did.
        wrong: those that did not end as they must, in our words: theirs would not be safe to show.
    """

    made: int
    told: str
    nought: Mapping[str, int]
    wrong: Sequence[str]

    @property
    def survived(self) -> bool:
        """Whether something was tried, all of it ended as it must, and nothing else happened."""
        return self.made > 0 and not self.wrong and not any(self.nought.values())


@dataclass(frozen=True)
class Attack:
    """A command that meets what a stranger has left.

    Attributes:
        what: that is, in our words.
        command: which.
        codes: with one of these it must end.
        why: what it must say and nothing else; empty if it may have shown something before.
    """

    what: str
    command: Command
    codes: tuple[int, ...] = (2,)
    why: str = ""

    def wrong(self, done: Done) -> str:
        """What is wrong with its end; empty for nothing."""
        good = done.is_refusal(self.why) if self.why else done.is_plain
        if good and done.code in self.codes:
            return ""
        return f"{self.what}: {self.command.words[0]} ended otherwise, with exit code {done.code}"


def launch(attacks: Sequence[Attack]) -> tuple[list[Done], list[str]]:
    """Run the commands of attacks, in a process of their own; what they left, and what is wrong with that."""
    done = run_commands([each.command for each in attacks]).done
    wrong = [each.wrong(left) for each, left in zip(attacks, done, strict=True)]
    return done, [each for each in wrong if each]
