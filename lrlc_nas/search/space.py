"""The space of a study: which choices stand at which sites, and what was left out and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..choices import CONV, Choice, Plan
from ..config import SpaceSection
from ..errors import InputError
from ..networks import Cost, Survey, plan_cost, why_not_buildable

__all__ = ["Space", "build_space", "extra_cost", "over_limits"]


@dataclass(frozen=True)
class Space:
    """What the search may choose.

    Attributes:
        choices: site name to its choices, ``conv`` first, in the order of the forward pass.
        left_out: site name to {token: why it cannot be built or afforded there}.
    """

    choices: Mapping[str, tuple[Choice, ...]]
    left_out: Mapping[str, Mapping[str, str]]

    @property
    def tokens(self) -> dict[str, tuple[str, ...]]:
        """Site name to tokens."""
        return {site: tuple(choice.token for choice in choices) for site, choices in self.choices.items()}

    @property
    def size(self) -> int:
        """The number of distinct plans."""
        return math.prod(len(choices) for choices in self.choices.values())


def build_space(section: SpaceSection, survey: Survey, host: Cost, training_bytes: Callable[[Cost], int]) -> Space:
    """Match patterns with sites and leave out what cannot be built or afforded.

    `training_bytes` goes from the cost of a network to the memory that its training takes.

    Raises:
        InputError: if a pattern matches no site, or nothing is left to choose.
    """
    chosen = _matching(section, survey)
    if not chosen:
        raise InputError(f"space.exclude: {', '.join(section.exclude)} leave no site of {', '.join(survey.sites)}")
    choices: dict[str, tuple[Choice, ...]] = {}
    left_out: dict[str, dict[str, str]] = {}
    for name in chosen:
        afforded = [CONV]
        for token in section.choices:
            choice = Choice.parse(token)
            reason = why_not_buildable(survey, name, choice) or over_limits(
                section, host, host + extra_cost(survey, name, choice), training_bytes
            )
            if reason:
                left_out.setdefault(name, {})[token] = reason
            else:
                afforded.append(choice)
        if len(afforded) > 1:
            choices[name] = tuple(afforded)
    if not choices:
        site, token, reason = next((s, t, why) for s, tokens in left_out.items() for t, why in tokens.items())
        raise InputError(
            "space: no choice can be afforded at any site; raise space.max_parameters or space.max_memory, or "
            f"name other choices ({token} at {site}: {reason})"
        )
    return Space(choices, left_out)


def extra_cost(survey: Survey, site: str, choice: Choice) -> Cost:
    """What a choice at a site costs more than the convolution that stands there.

    Raises:
        InputError: if the choice cannot be built at the site.
    """
    return plan_cost(Cost(), survey, Plan.of({site: choice}))


def over_limits(section: SpaceSection, host: Cost, total: Cost, training_bytes: Callable[[Cost], int]) -> str:
    """Why a network of this total cost cannot be afforded, with the figure and the limit; empty if it can."""
    parameters = total.parameters / max(1, host.parameters)
    if parameters > section.max_parameters:
        return f"{parameters:.0f} x the host's parameters; the limit is {section.max_parameters:g}"
    memory = training_bytes(total) / training_bytes(host)
    if memory > section.max_memory:
        return f"{memory:.1f} x the host's training memory; the limit is {section.max_memory:g}"
    return ""


def _matching(section: SpaceSection, survey: Survey) -> list[str]:
    known = list(survey.sites)
    for key, patterns in (("sites", section.sites), ("exclude", section.exclude)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in known):
                raise InputError(
                    f"space.{key}: pattern {pattern!r} matches no site; the sites are {', '.join(known) or '(none)'}"
                )
    return [
        name
        for name in known
        if any(fnmatchcase(name, pattern) for pattern in section.sites)
        and not any(fnmatchcase(name, pattern) for pattern in section.exclude)
    ]
