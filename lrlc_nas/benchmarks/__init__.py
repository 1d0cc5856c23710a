"""How fast the layers are, against convolutions and against the usual ways to write them; torch is enough."""

from .benchmark import Request, run_layers
from .records import Benchmark
from .sizes import Size

__all__ = ["Benchmark", "Request", "Size", "run_layers"]
