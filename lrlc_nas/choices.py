"""Choices (how a site is realised) and plans (a choice for each site of a host).

A choice is written as a token:

=================  ==============================================================================
``conv``           the convolution itself: one kernel shared by all positions
``lrlc-K``         low-rank locally connected, rank K, row + column combining weights; with K = 1 a control: a
                   convolution with a position bias
``lrlc-K-rows``    the same with combining weights that depend on the row alone
``lrlc-K-cols``    … on the column alone
``lrlc-K-full``    … free at every position
``lrlc-K-input``   … computed from the input
``lc``             locally connected: a kernel of its own at every position
``wide-K``         control: a convolution with the parameters of ``lrlc-K``
``tied-K``         control: K banks, mixed by the same weights at every position
``coord``          control: a convolution that also sees two coordinate channels
=================  ==============================================================================
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .errors import InputError


__all__ = ["CONV", "FORMS", "Choice", "Plan"]

FORMS = (
    "conv",
    "lrlc-K",
    "lrlc-K-rows",
    "lrlc-K-cols",
    "lrlc-K-full",
    "lrlc-K-input",
    "lc",
    "wide-K",
    "tied-K",
    "coord",
)
"""The forms a token can take; K is a rank of at least 1."""

_TOKEN = re.compile(r"(?P<kind>lrlc|wide|tied)-(?P<rank>[0-9]+)(?:-(?P<weights>rows|cols|full|input))?")
_POSITION = {"conv": 0, "coord": 1, "wide": 2, "tied": 3, "lrlc": 4, "lc": 5}
_WEIGHTS_POSITION = {"": 2, "rows": 0, "cols": 1, "full": 3, "input": 4}


@dataclass(frozen=True)
class Choice:
    """How one site is realised.

    Attributes:
        kind: ``conv``, ``lrlc``, ``lc``, ``wide``, ``tied`` or ``coord``.
        rank: K, the number of filter banks; 0 for the kinds that have none.
        weights: what the combining weights depend on: ``""`` (row + column), ``rows``, ``cols``, ``full`` or
            ``input``; always ``""`` for other kinds than ``lrlc``.
    """

    kind: str
    rank: int = 0
    weights: str = ""

    @classmethod
    def parse(cls, token: str) -> Choice:
        """Read a token.

        Raises:
            InputError: if the token has none of the known forms, or its rank is below 1.
        """
        if token in ("conv", "lc", "coord"):
            return cls(token)
        match = _TOKEN.fullmatch(token)
        if match is None or (match["weights"] and match["kind"] != "lrlc"):
            raise InputError(
                f"unknown choice {token!r}; a choice is one of {', '.join(FORMS)} with a rank K >= 1"
            )
        if int(match["rank"]) < 1:
            raise InputError(f"choice {token!r} has rank {match['rank']}; a rank is at least 1")
        return cls(match["kind"], int(match["rank"]), match["weights"] or "")

    @property
    def token(self) -> str:
        """The token that `parse` reads back as this choice."""
        parts = [self.kind]
        if self.rank:
            parts.append(str(self.rank))
        if self.weights:
            parts.append(self.weights)
        return "-".join(parts)

    @property
    def relaxes(self) -> bool:
        """Whether kernels may differ over positions; of a single bank, with weights that add to 1, they may not."""
        return self.kind == "lc" or (self.kind == "lrlc" and self.rank > 1)

    @property
    def relaxation(self) -> tuple[int, int, int]:
        """A key that sorts choices from full sharing to none."""
        return (_POSITION[self.kind], self.rank, _WEIGHTS_POSITION[self.weights])

    def __str__(self) -> str:
        return self.token


CONV = Choice("conv")
"""Full sharing: what every site is when a plan does not name it."""


@dataclass(frozen=True)
class Plan:
    """A choice for each site of a host, in canonical form: sorted by name, ``conv`` left out.

    Two plans that build the same network are equal and have the same digest.
    """

    choices: tuple[tuple[str, Choice], ...] = ()

    @classmethod
    def of(cls, tokens: Mapping[str, str | Choice]) -> Plan:
        """Make a plan from a mapping of site name to token or choice.

        Raises:
            InputError: if a token is not a choice; the message names the site.
        """
        named = []
        for name, token in tokens.items():
            try:
                choice = token if isinstance(token, Choice) else Choice.parse(token)
            except InputError as error:
                raise InputError(f"site {name!r}: {error}") from None
            if choice != CONV:
                named.append((name, choice))
        return cls(tuple(sorted(named, key=lambda item: item[0])))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read what `to_json` wrote."""
        return cls.of(json.loads(text))

    def to_json(self) -> str:
        """The canonical JSON text, equal for equal plans."""
        return json.dumps(self.tokens, separators=(",", ":"), ensure_ascii=True)

    @property
    def tokens(self) -> dict[str, str]:
        """Site name to token, for the sites that are not ``conv``."""
        return {name: choice.token for name, choice in self.choices}

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical form, as 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def relaxes(self) -> bool:
        """Whether any site holds more than ``conv`` and controls."""
        return any(choice.relaxes for _, choice in self.choices)

    def at(self, site: str) -> Choice:
        """The choice at a site; ``conv`` where the plan does not name it."""
        return dict(self.choices).get(site, CONV)

    def require_sites(self, known: Iterable[str]) -> None:
        """Raise `InputError` if the plan names a site that is not among the known ones."""
        allowed = list(known)
        for name, _ in self.choices:
            if name not in allowed:
                raise InputError(f"unknown site {name!r}; the sites are {', '.join(allowed) or '(none)'}")

    def __iter__(self) -> Iterator[tuple[str, Choice]]:
        return iter(self.choices)

    def __str__(self) -> str:
        return ", ".join(f"{name}={choice}" for name, choice in self.choices) or "host"
