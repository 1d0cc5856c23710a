"""What the trials of an Optuna study say of its sites; without torch, because whoever looks at a study asks this."""

from __future__ import annotations

from typing import Any, cast

from optuna.distributions import BaseDistribution, CategoricalDistribution

from ..choices import CONV, Choice
from ..errors import InputError

__all__ = ["BLOCK", "FACTS", "SpaceTokens", "site_tokens"]

FACTS = "lrlc_nas"
"""The user attribute of a trial that holds what `suggest` knows of its network."""

BLOCK = "lrlc_nas:block"
"""The system attribute of a trial of the balanced block: which of its plans the trial has."""

SpaceTokens = dict[str, tuple[str, ...]]
"""Site name to the tokens that may stand there, ``conv`` among them."""


def site_tokens(distributions: dict[str, Any]) -> SpaceTokens:
    """Of the parameters of a trial those that are sites: categorical, of tokens alone, ``conv`` among them."""
    return {name: tuple(each.choices) for name, each in distributions.items() if _is_site(each)}


def _is_site(distribution: BaseDistribution) -> bool:
    if not isinstance(distribution, CategoricalDistribution) or CONV.token not in distribution.choices:
        return False
    try:
        return len({Choice.parse(cast(str, token)) for token in distribution.choices}) > 1
    except (InputError, TypeError, AttributeError):  # another parameter that happens to know the word
        return False
