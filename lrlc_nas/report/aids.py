"""How to read each figure, in a line or three: the same words wherever it is shown."""

from __future__ import annotations


__all__ = [
    "ANYTIME",
    "COMPANY",
    "CURVES",
    "EFFECTS",
    "FOREST",
    "LATENCY",
    "MACS",
    "MAPS",
    "PAIRS",
    "RANK",
    "SHIFTS",
    "TRADE_OFF",
]

FOREST = (
    "Right of zero the claim is better than what the row names; the line is its interval on fresh seeds, "
    "dots are single seeds, the grey band is too small to matter. The open grey diamond is what the "
    "search had seen: the luckiest of many, so expect it further out (winner's curse)."
)
EFFECTS = (
    "Blue is better than conv at that site, red is worse; zero is white. Marks: ▲ helps, ▼ hurts, = "
    "equivalent, ? undecided on fresh seeds; * is no verdict but an interval of the screening that "
    "excludes zero. Blank cells cannot be told yet or are not in the space. All numbers are points of "
    "accuracy."
)
RANK = (
    "Left end: full sharing (conv), zero by definition. Right end: no sharing (lc). A curve that has "
    "flattened says that more banks buy nothing; bars are 95 % intervals and may leave the picture; grey "
    "crosses are controls of that rank."
)
COMPANY = (
    "Open: effect with conv at every other site. Full: with others relaxed too. Where the two lie far "
    "apart, the effect depends on company; orange says that it does so by more than chance."
)
PAIRS = (
    "Blue: relaxing both sites gives more than the sum of their effects, red: less; * by more than "
    "chance. Blank pairs cannot be told."
)
TRADE_OFF = (
    "Left and high is better. Round points are single runs scored on the search images; the line joins "
    "those that none beats on both, and lies too high by the luck of its runs. Squares, open diamonds and"
    " crosses are arms of the confirmation, means over fresh seeds on other images: compare those with "
    "each other."
)
MACS = (
    "Read as accuracy and parameters. MACs are multiply-accumulates; they tell the work of a network, not "
    "the time that a device needs for it."
)
LATENCY = (
    "Left and high is better. Only arms of the confirmation are timed: one step of training, forward and "
    "backward, on {}. Accuracies are means over fresh seeds on the confirm images."
)
MAPS = (
    "{}. Distance: how far the kernel of each position lies from the mean kernel, where 1 is the typical "
    "size of a kernel; bright places have kernels of their own. Banks: how much of each filter bank is "
    "mixed in at each position; one colour everywhere says that position does not matter."
)
SHIFTS = (
    "Measured on {} {} images that are moved by some pixels (the test images stay sealed): {}, {}. The "
    "faster a curve falls away from zero, the less the network tolerates translation."
)
CURVES = (
    "Accuracy on the search images after each epoch; a cross marks where a run was given up. Curves that "
    "still rise at the end say that more epochs could change the order."
)
ANYTIME = (
    "Full line: the best run so far. Broken line: the mean of the best of as many runs of the balanced "
    "block, which no result had chosen. A sampler that does not leave it behind has found nothing that "
    "chance would not."
)
