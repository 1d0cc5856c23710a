"""Records made by hand, for what is drawn and judged without being measured."""

from lrlc_nas.benchmarks import Size
from lrlc_nas.benchmarks.floors import Rates, Work
from lrlc_nas.benchmarks.racing import Spread
from lrlc_nas.benchmarks.records import Comparison, Entry, Machine, Pass

TINY = Size(2, 4, input_size=(5, 6), batch=2)
TINY_WORDS = "C=2,F=4,input=5x6,B=2"
MACHINE = Machine("cpu", "a processor", "float32", 1, "2.0", "2026-01-01T00:00:00+00:00", Rates(2e9, 1e9))


def entry(kind: str, rank: int, *seconds: float, forward: tuple[float, ...] = (), peak: int = 0) -> Entry:
    """An entry with these training times; forward passes take the same unless told."""
    return Entry(kind, rank, _pass(forward or seconds), _pass(seconds), peak)


def comparison(*entries: Entry) -> Comparison:
    return Comparison(TINY, "nchw", entries)


def _pass(seconds: tuple[float, ...]) -> Pass:
    return Pass(seconds, Spread.of(seconds), Work(4, 8), 0.001)
