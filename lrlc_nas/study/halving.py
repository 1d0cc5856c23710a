"""Successive halving, asynchronous: go on only among the best.

Reference: Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, arXiv 1810.05934.

The rule is a pure function of recorded accuracies. Optuna's pruners write marks into the database when they are
asked, so that asking again after a crash can give another answer.
"""

from __future__ import annotations

from collections.abc import Collection


__all__ = ["falls_behind", "is_rung"]


def is_rung(epochs: int, min_epochs: int, reduction: int) -> bool:
    """Whether a run that has trained this many epochs stands at a rung: min_epochs · reductionⁱ for some i."""
    rung = min_epochs
    while rung < epochs:
        rung *= reduction
    return rung == epochs


def falls_behind(accuracy: float, others: Collection[float], reduction: int) -> bool:
    """Whether a run at a rung is to be given up.

    Args:
        accuracy: of this run at the rung.
        others: accuracies of the other runs that have reached the rung.
        reduction: η; a run goes on while fewer than max(1, n // η) of the n runs at the rung, itself included,
            are better.
    """
    survivors = max(1, (len(others) + 1) // reduction)
    return sum(other > accuracy for other in others) >= survivors
