"""More seeds later, without losing the error rate.

A confirmation may be looked at, extended by more seeds and looked at again. Look j = 1, 2, … spends

    α_j = α · 0.8 · 0.2^(j-1),        Σ_j α_j = α,

and everything that is said at look j is said at level α_j: intervals have level 1 - α_j, p values are compared
with α_j. By Bonferroni's inequality over the looks, the chance of a false statement at *any* of them is at most α,
however many there are: neither their number nor an end has to be agreed upon.

What may decide the size of the next look: the budget, the spread, how many claims are undecided. What may not: the
differences seen. Seeds added only until a difference looks large would make the statistic of that look anything but
Student's t (Proschan and Hunsberger). The number of seeds that a verdict proposes depends on the spread alone.

Why not a sharper rule: group-sequential boundaries use the joint distribution of the looks, which is worked out for
a known spread or many seeds and needs the fraction of the final size that each look stands for. Here there are five
to thirty seeds, the spread is estimated, and there is no final size. The geometric rule keeps the first look, which
is often the only one, close to a test without further looks: `look_costs` in `power` has the figures.

References:
    Jennison and Turnbull, "Repeated confidence intervals for group sequential clinical trials", Controlled Clinical
    Trials 5 (1984); "Interim analyses: the repeated confidence interval approach", JRSS B 51 (1989).
    Proschan and Hunsberger, "Designed extension of studies based on conditional power", Biometrics 51 (1995).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError

__all__ = ["ALPHA", "FIRST_SHARE", "alpha_of_look", "check_alpha", "check_sizes"]

ALPHA = 0.05
"""The chance of any false claim, over all looks of a study."""

FIRST_SHARE = 0.8
"""The part of α that the first look spends, and each later one of what is left."""


def alpha_of_look(look: int, alpha: float = ALPHA) -> float:
    """The level that a look, counted from 1, spends: α_j of the module's equation, with α of the whole study.

    Raises:
        InputError: if the look is below 1 or alpha is not between 0 and 1.
    """
    if look < 1:
        raise InputError(f"looks are counted from 1, but look {look} was asked for")
    return check_alpha(alpha) * FIRST_SHARE * (1 - FIRST_SHARE) ** (look - 1)


def check_alpha(alpha: float) -> float:
    """Return a level that lies between 0 and 1; raise `InputError` for any other."""
    if not 0 < alpha < 1:
        raise InputError(f"alpha lies between 0 and 1, but is {alpha}")
    return alpha


def check_sizes(sizes: Sequence[int], seeds: int) -> tuple[int, ...]:
    """Return the sizes of the looks, if each is larger than the one before and there are seeds for all.

    Raises:
        InputError: if there is no look, sizes do not grow, or the last one exceeds the number of seeds.
    """
    if not sizes:
        raise InputError("at least one look is required, but no size was given")
    if any(later <= sooner for sooner, later in zip([0, *sizes], sizes, strict=False)):
        raise InputError(f"each look needs more seeds than the one before, but the sizes are {list(sizes)}")
    if sizes[-1] > seeds:
        raise InputError(f"the last look is at {sizes[-1]} seeds, but the arms have {seeds}")
    return tuple(sizes)
