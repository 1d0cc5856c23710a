"""What our layers are held to: ratios of times, and of peak memory, in one comparison.

Times are those of training (forward and backward) unless the words of the target say otherwise; LRLC means
the layer by the path that it chooses. A target that covers several ranks is judged by the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from .contenders import FIXED
from .racing import Spread, paired_ratio
from .records import Comparison, Entry, Outcome

__all__ = ["TARGETS", "Target", "outcomes"]


@dataclass(frozen=True)
class Target:
    """A limit for a ratio.

    Attributes:
        words: what is compared with what.
        at_least: whether the limit is a lower one.
        cpu: the limit on the CPU.
        cuda: the limit on a GPU.
        ratios: a comparison to the ratio of each case; empty where the comparison lacks a contender.
    """

    words: str
    at_least: bool
    cpu: float
    cuda: float
    ratios: Callable[[Comparison], Mapping[str, Spread]]

    def outcome(self, comparison: Comparison, device: str) -> Outcome | None:
        """Judge a comparison by its worst case; None where the target does not apply."""
        ratios = self.ratios(comparison)
        if not ratios:
            return None
        worst = min if self.at_least else max
        case = worst(ratios, key=lambda each: ratios[each].median)
        return Outcome(
            target=self.words,
            size=comparison.size,
            layout=comparison.layout,
            case=case,
            ratio=ratios[case],
            limit=self.cuda if device.startswith("cuda") else self.cpu,
            at_least=self.at_least,
        )


def outcomes(comparisons: Iterable[Comparison], device: str) -> tuple[Outcome, ...]:
    """Judge comparisons by all targets.

    Args:
        comparisons: made on one device.
        device: ``cpu``, ``cuda`` or ``cuda:N``.

    Returns:
        Target by target, for each comparison that a target applies to.
    """
    made = list(comparisons)
    judged = [target.outcome(comparison, device) for target in TARGETS for comparison in made]
    return tuple(outcome for outcome in judged if outcome is not None)


def _over_einsum(comparison: Comparison, *, rank: int) -> dict[str, Spread]:
    ours, peer = comparison.entry("lrlc", rank), comparison.entry("einsum", rank)
    return _one(peer, ours)


def _growth(comparison: Comparison) -> dict[str, Spread]:
    return _one(comparison.entry("lrlc", 16), comparison.entry("lrlc", 2))


def _over_convolution(comparison: Comparison) -> dict[str, Spread]:
    found: dict[str, Spread] = {}
    for rank in comparison.ranks:
        if rank <= 8:
            ratio = _one(comparison.entry("lrlc", rank), comparison.entry("conv"))
            found |= {f"K={rank}": spread for spread in ratio.values()}
    return found


def _over_best_path(comparison: Comparison, *, name: str) -> dict[str, Spread]:
    found = {}
    for rank in comparison.ranks:
        paths = [entry for path in FIXED if (entry := comparison.entry(path, rank))]
        seconds = {entry.kind: getattr(entry, name).seconds for entry in paths}
        chosen = comparison.entry("lrlc", rank)
        if chosen is not None and seconds:
            # The path that is best by its median: the best of each round would be better than any path.
            best = min(seconds, key=lambda path: Spread.of(seconds[path]).median)
            found[f"K={rank}, {best}"] = paired_ratio(getattr(chosen, name).seconds, seconds[best])
    return found


def _over_unfold(comparison: Comparison) -> dict[str, Spread]:
    return _one(comparison.entry("unfold"), comparison.entry("lc"))


def _memory_of_unfold(comparison: Comparison) -> dict[str, Spread]:
    ours, peer = comparison.entry("lc"), comparison.entry("unfold")
    if ours is None or peer is None:
        return {}
    return {"": Spread.of([ours.peak_bytes / peer.peak_bytes])}


def _one(numerator: Entry | None, denominator: Entry | None) -> dict[str, Spread]:
    if numerator is None or denominator is None:
        return {}
    return {"": paired_ratio(numerator.training.seconds, denominator.training.seconds)}


TARGETS = (
    Target("K=8: K convolutions + einsum over LRLC", True, 3, 5, partial(_over_einsum, rank=8)),
    Target("K=4: K convolutions + einsum over LRLC", True, 1.5, 3, partial(_over_einsum, rank=4)),
    Target("LRLC: K=16 over K=2", False, 2, 1.5, _growth),
    Target("LRLC, K<=8, over convolution", False, 5, 2.5, _over_convolution),
    Target("unfold x weight, sum over LC", True, 10, 10, _over_unfold),
    Target("LC over unfold x weight, sum: memory", False, 1 / 8, 1 / 8, _memory_of_unfold),
    Target("LRLC over its best path", False, 1.1, 1.1, partial(_over_best_path, name="training")),
    Target("LRLC over its best path: forward", False, 1.1, 1.1, partial(_over_best_path, name="forward")),
)
"""In the order in which they are shown."""
