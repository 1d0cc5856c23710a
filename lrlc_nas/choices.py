"""Choices (how a site is realised), the kinds there are, and plans (a choice for each site of a host).

A choice is written as a token, such as ``lrlc-4-rows``: the form of its kind, with a rank in the place of K. What
the package knows of a kind stands in one line of `KINDS`; how its layer is built, and what it costs, in the file of
the layer, which is imported when a layer is made. A new kind is one file and one line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .errors import InputError

__all__ = ["CONV", "FORMS", "KINDS", "Choice", "Kind", "Plan", "controls"]


@dataclass(frozen=True)
class Kind:
    """A kind of choice.

    Attributes:
        form: its token, with K where the rank stands; a kind without K has no rank.
        label: what a figure calls it.
        layer: where its layer is, as ``module:class``; the class is a `lrlc_nas.layers.RelaxedConv2d`. Empty for the
            convolution itself.
        options: arguments of the layer besides its geometry, its bias and what follows from the rank.
        relaxes: whether kernels may differ over positions, from rank 2 on.
        control: the token that every claim is given as a control, with the rank of the claim for K; empty for none.
    """

    form: str
    label: str
    layer: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    relaxes: bool = False
    control: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What stands before the rank and what after it: ``("lrlc", "rows")``."""
        before, _, after = self.form.partition("-K")
        return before, after.removeprefix("-")


_LOW_RANK = "lrlc_nas.layers.low_rank:LowRankLocallyConnected2d"

KINDS = (
    Kind("conv", "full sharing"),
    Kind("coord", "control: coordinates", "lrlc_nas.layers.coordinates:CoordConv2d", control="coord"),
    Kind(
        "position-vector",
        "control: position vectors",
        "lrlc_nas.layers.position_vectors:PositionVectorConv2d",
        control="position-vector",
    ),
    Kind("wide-K", "control: wide", "lrlc_nas.layers.wide:WideConv2d", control="wide-K"),
    Kind("tied-K", "control: tied", "lrlc_nas.layers.tied_banks:TiedBanksConv2d", control="tied-K"),
    Kind("lrlc-K-rows", "rows", _LOW_RANK, {"weights": "rows"}, relaxes=True),
    Kind("lrlc-K-cols", "columns", _LOW_RANK, {"weights": "columns"}, relaxes=True),
    Kind("lrlc-K", "rows + columns", _LOW_RANK, relaxes=True, control="lrlc-1"),
    Kind("lrlc-K-full", "full", _LOW_RANK, {"weights": "full"}, relaxes=True),
    Kind("lrlc-K-rows-input", "rows, from the input", _LOW_RANK, {"weights": "rows-input"}, relaxes=True),
    Kind("lrlc-K-cols-input", "columns, from the input", _LOW_RANK, {"weights": "columns-input"}, relaxes=True),
    Kind("lrlc-K-input", "from the input", _LOW_RANK, {"weights": "input"}, relaxes=True),
    Kind("lc", "no sharing", "lrlc_nas.layers.locally_connected:LocallyConnected2d", relaxes=True, control="lc"),
)
"""All kinds, from full sharing to none: what they are, in the order of the scale.

``conv`` shares one kernel among all positions. ``coord`` is a convolution that also sees two coordinate channels,
``position-vector`` one that sees a learned vector for each row and column added to its input, ``wide-K`` one with
the parameters of ``lrlc-K``, ``tied-K`` one of K banks that are mixed alike everywhere. The combining weights of
``lrlc-K`` are a sum of one for the row and one for the column. Those of the others depend on the row, the column or
the position, or are computed from the input: at each position, or from the mean of each row or column. With one bank
it is a convolution with a position bias. ``lc`` has a kernel for each position.
"""

FORMS = tuple(kind.form for kind in KINDS)
"""The forms a token can take; K is a rank of at least 1."""

_BY_KEY = {kind.key: kind for kind in KINDS}
_TOKENS = [(re.compile(kind.form.replace("K", "([0-9]+)")), kind) for kind in KINDS]
_LINES = [kind.key for kind in KINDS]
_NAMES = [name for name, _ in _LINES]
_OWN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


@dataclass(frozen=True)
class Choice:
    """How one site is realised.

    Attributes:
        kind: what stands before the rank in its token: ``conv``, ``lrlc``, ``lc``, ``wide``, …; of a layer of the
            user's all of it, ``package.module:function``.
        rank: K, the number of filter banks; 0 for the kinds that have none.
        weights: what stands behind the rank: of ``lrlc``, what the combining weights depend on, else nothing.
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
        for pattern, kind in _TOKENS:
            match = pattern.fullmatch(token)
            if match is not None:
                rank = match[1] if pattern.groups else None
                if rank is not None and int(rank) < 1:
                    raise InputError(f"choice {token!r} has rank {rank}; a rank is at least 1")
                name, weights = kind.key
                return cls(name, int(rank or 0), weights)
        if _OWN.fullmatch(token):
            return cls(token)
        raise InputError(
            f"unknown choice {token!r}; a choice is one of {', '.join(FORMS)} with a rank K >= 1, or "
            "package.module:function for a layer of your own"
        )

    @property
    def token(self) -> str:
        """The token that `parse` reads back as this choice."""
        return "-".join(part for part in (self.kind, str(self.rank or ""), self.weights) if part)

    @property
    def definition(self) -> Kind:
        """Its line in the table of kinds; a layer of the user's stands in none, and may do what it likes."""
        return Kind(self.kind, self.kind, relaxes=True) if self.is_own else _BY_KEY[self.kind, self.weights]

    @property
    def is_own(self) -> bool:
        """Whether it is a layer of the user's, ``package.module:function``."""
        return ":" in self.kind

    @property
    def relaxes(self) -> bool:
        """Whether kernels may differ over positions; of a single bank, with weights that add to 1, they may not."""
        return self.definition.relaxes and self.rank != 1

    @property
    def relaxation(self) -> tuple[int, int, int, str]:
        """A key that sorts choices from full sharing to none, and layers of the user's after them."""
        if self.is_own:
            return (len(_NAMES), 0, 0, self.kind)
        # Kinds of one name stand together, where the first of them does; then rank decides, then the line.
        return (_NAMES.index(self.kind), self.rank, _LINES.index((self.kind, self.weights)), "")

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


def controls(plan: Plan, ranks: Mapping[tuple[str, Choice], int]) -> dict[str, Plan]:
    """What may explain a gain of a plan away: the same sites, other choices.

    Args:
        plan: the claim.
        ranks: (site, choice without a rank) to the rank that its controls get there.

    Returns:
        Label to plan, in the order of the table of kinds, but not the claim itself.
    """
    of_site = {site: choice.rank or ranks[site, choice] for site, choice in plan}
    plans = {
        kind.control.removesuffix("-K"): Plan.of(
            {site: kind.control.replace("K", str(rank)) for site, rank in of_site.items()}
        )
        for kind in KINDS
        if kind.control
    }
    return {label: control for label, control in plans.items() if control != plan}
