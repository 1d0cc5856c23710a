"""Successive halving, asynchronous: go on only among the best.

Reference: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, arXiv 1810.05934.

The rule is a pure function of recorded values, so that what it leaves out is missing at random (see
`lrlc_nas.evidence.missing`). Optuna's pruners write marks into the database when they are asked, so that asking
again after a crash can give another answer. Some runs, drawn by chance alone, are judged like all others and go on
whatever the verdict: they show what the rule costs. They take part in the comparison at later rungs.
"""

from __future__ import annotations

from collections.abc import Collection

from ..runs import stream_seed

__all__ = ["AUDIT", "audited", "falls_behind", "is_rung"]

AUDIT = "audit"
"""The fact of an audited run: after how many epochs it would have been pruned; 0 for one that never would."""


def is_rung(epochs: int, min_epochs: int, reduction: int) -> bool:
    """Whether a run that has trained this many epochs stands at a rung: min_epochs · reductionⁱ for some i."""
    rung = min_epochs
    while rung < epochs:
        rung *= reduction
    return rung == epochs


def falls_behind(value: float, others: Collection[float], reduction: int) -> bool:
    """Whether a run at a rung is to be pruned, by its value there and those of the others that have reached it.

    More is better. It goes on while fewer than max(1, n // reduction) of the n runs at the rung, itself included, are
    better.
    """
    survivors = max(1, (len(others) + 1) // reduction)
    return sum(other > value for other in others) >= survivors


def audited(seed: int, number: int, share: float) -> bool:
    """Whether a run goes on even if it falls behind: a function of the study's seed and the run's place alone.

    The share is the probability.
    """
    return stream_seed(seed, AUDIT, number) < share * 2**63
