"""What a budget can give, said before it is spent: whether there are intervals, and what pruning does to them."""

from __future__ import annotations

from ..config import StudyConfig
from .initial_design import block_size
from .space import Space

__all__ = ["pruning_note", "shortage"]


def shortage(config: StudyConfig, space: Space) -> str:
    """What a study should be told whose runs may be too few for intervals; empty if they are enough.

    The unknowns are the host's accuracy and an effect for each cell. An interval needs more complete runs than
    unknowns, and only the runs of the block are certain not to be pruned.
    """
    repeats, trials = config.search.host_repeats, config.budget.trials
    cells = sum(len(choices) - 1 for choices in space.choices.values())
    pruned = config.search.pruner != "none"
    certain = block_size(space, trials, repeats) if pruned else trials
    if certain > 1 + cells:
        return ""
    which = f"{certain} of the {trials} runs are never pruned" if pruned else f"there are {trials} runs"
    return (
        f"note: intervals may be missing: {1 + cells} unknowns (the host and {cells} effects), but {which}; "
        f"{_way_out(space, cells, repeats, pruned)}"
    )


def pruning_note(config: StudyConfig) -> str:
    """Whether runs are pruned, and what that does to the precision of the effects, in one line."""
    if config.search.pruner == "none":
        return (
            'note: every run is trained to its end; search.pruner="successive-halving" would spare epochs and cost '
            "precision"
        )
    return (
        "note: runs that fall behind are pruned, which spares epochs and costs precision: for the same epochs, fewer "
        'runs that are all trained to the end (search.pruner="none") have narrower intervals'
    )


def _way_out(space: Space, cells: int, repeats: int, pruned: bool) -> str:
    least = 2 * (max(repeats, 2) + cells) if pruned else cells + 4
    if least > space.size - 1 + repeats:
        return "raise search.host_repeats" + (", or set search.pruner=none" if pruned else "")
    again = " and search.host_repeats=2" if pruned and repeats < 2 else ""
    return f"budget.trials={least}{again} is enough for all of them"
