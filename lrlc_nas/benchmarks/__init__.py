"""How fast the layers are, against convolutions and against the usual ways to write them; torch is enough."""

from .benchmark import LAYOUT_WORDS, Request, run_layers
from .records import Benchmark, Comparison, Entry, Machine, Outcome, Pass
from .sizes import OTHERS, REFERENCE, Size
from .targets import TARGETS, Target, outcomes

__all__ = [
    "LAYOUT_WORDS",
    "OTHERS",
    "REFERENCE",
    "TARGETS",
    "Benchmark",
    "Comparison",
    "Entry",
    "Machine",
    "Outcome",
    "Pass",
    "Request",
    "Size",
    "Target",
    "outcomes",
    "run_layers",
]
