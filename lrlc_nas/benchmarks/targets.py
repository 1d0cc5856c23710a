"""What our layers are held to: ratios of times, and of peak memory, in one comparison.

Times are those of training (forward and backward) unless the words of the target say otherwise; LRLC means
the layer by the path that it chooses. A target that covers several ranks is judged by the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from ..layers.low_rank import COMPUTATIONS
from .racing import Spread, paired_ratio
from .records import Comparison, Outcome

__all__ = ["TARGETS", "Target", "outcomes"]


@dataclass(frozen=True)
class Target:
    """A limit, on the CPU and on a GPU, for a ratio.

    ``ratios`` takes a comparison to the ratio of each case; it is empty where the comparison lacks a contender.
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
        case = (min if self.at_least else max)(ratios, key=lambda each: ratios[each].median)
        limit, median = (self.cuda if device.startswith("cuda") else self.cpu), ratios[case].median
        met = median >= limit if self.at_least else median <= limit
        return Outcome(self.words, comparison.size, comparison.layout, case, ratios[case], limit, self.at_least, met)


def outcomes(comparisons: Iterable[Comparison], device: str) -> tuple[Outcome, ...]:
    """Judge comparisons that were made on one device: target by target, wherever a target applies."""
    made = list(comparisons)
    judged = [target.outcome(comparison, device) for target in TARGETS for comparison in made]
    return tuple(outcome for outcome in judged if outcome is not None)


def _ratio(comparison: Comparison, *, above: tuple[str, int], below: tuple[str, int]) -> dict[str, Spread]:
    numerator, denominator = comparison.entry(*above), comparison.entry(*below)
    if numerator is None or denominator is None:
        return {}
    return {"": paired_ratio(numerator.training.seconds, denominator.training.seconds)}


def _over_convolution(comparison: Comparison) -> dict[str, Spread]:
    found = {
        rank: _ratio(comparison, above=("lrlc", rank), below=("conv", 0)) for rank in comparison.ranks if rank <= 8
    }
    return {f"K={rank}": ratio[""] for rank, ratio in found.items() if ratio}


def _over_best_path(comparison: Comparison, *, name: str) -> dict[str, Spread]:
    found = {}
    for rank in comparison.ranks:
        chosen, *paths = (comparison.entry(kind, rank) for kind in ("lrlc", *COMPUTATIONS))
        seconds = {path.kind: getattr(path, name).seconds for path in paths if path}
        if seconds:
            # The path that is best by its median: the best of each round would be better than any path.
            best = min(seconds, key=lambda path: Spread.of(seconds[path]).median)
            found[f"K={rank}, {best}"] = paired_ratio(getattr(chosen, name).seconds, seconds[best])
    return found


def _memory_of_unfold(comparison: Comparison) -> dict[str, Spread]:
    ours, peer = comparison.entry("lc"), comparison.entry("unfold")
    if ours is None or peer is None:
        return {}
    return {"": Spread.of([ours.peak_bytes / peer.peak_bytes])}


def _over_lrlc(rank: int) -> Callable[[Comparison], Mapping[str, Spread]]:
    return partial(_ratio, above=("einsum", rank), below=("lrlc", rank))


_growth = partial(_ratio, above=("lrlc", 16), below=("lrlc", 2))
_over_lc = partial(_ratio, above=("unfold", 0), below=("lc", 0))

TARGETS = (
    Target("K=8: K convolutions + einsum over LRLC", True, 3, 5, _over_lrlc(8)),
    Target("K=4: K convolutions + einsum over LRLC", True, 1.5, 3, _over_lrlc(4)),
    Target("LRLC: K=16 over K=2", False, 2, 1.5, _growth),
    Target("LRLC, K<=8, over convolution", False, 5, 2.5, _over_convolution),
    Target("unfold x weight, sum over LC", True, 10, 10, _over_lc),
    Target("LC over unfold x weight, sum: memory", False, 1 / 8, 1 / 8, _memory_of_unfold),
    Target("LRLC over its best path", False, 1.1, 1.1, partial(_over_best_path, name="training")),
    Target("LRLC over its best path: forward", False, 1.1, 1.1, partial(_over_best_path, name="forward")),
)
"""In the order in which they are shown."""
