"""How long the pages on a study take: ``python -m tests.dashboard.page_times STORAGE NAME``."""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from lrlc_nas.dashboard.optuna_pages import open_storage
from lrlc_nas.dashboard.overview import Overview, version_of
from lrlc_nas.dashboard.reports import Reports
from lrlc_nas.report.trial import trial_view
from lrlc_nas.store import Store, change_tokens

__all__ = ["Timings", "measure"]

_ROUNDS = 5
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Timings:
    """What was measured, in seconds unless said otherwise; the best of several rounds but for the first drawing.

    Attributes:
        version: to ask whether anything has changed, as each open page does every two seconds.
        trial: what the page on one run shows.
        overview: the lines of all studies when one has changed.
        drawing: to draw the report, which happens in the background.
        report: to get the drawn one.
        megabytes: size of the report.
        compressed: what travels of it, in megabytes.
    """

    version: float
    trial: float
    overview: float
    drawing: float
    report: float
    megabytes: float
    compressed: float


def measure(store: Store, name: str) -> Timings:
    """Measure the pages on a study; it only reads.

    Raises:
        InputError: if there is no such study.
    """
    store.study(name)
    storage = open_storage(store)
    reports = Reports(store)
    try:
        version = version_of(name, change_tokens(store))
        drawing, drawn = _timed(lambda: reports.wait(name, version, seconds=600))
        assert drawn is not None
        return Timings(
            version=_best(lambda: version_of(name, change_tokens(store))),
            trial=_best(lambda: trial_view(store, name, 0)),
            overview=_best(lambda: Overview(store, storage).lines()),
            drawing=drawing,
            report=_best(lambda: reports.wait(name, version)),
            megabytes=len(gzip.decompress(drawn.page)) / 1e6,
            compressed=len(drawn.page) / 1e6,
        )
    finally:
        storage.engine.dispose()


def _best(call: Callable[[], object]) -> float:
    return min(_timed(call)[0] for _ in range(_ROUNDS))


def _timed(call: Callable[[], _Result]) -> tuple[float, _Result]:
    begun = time.perf_counter()
    result = call()
    return time.perf_counter() - begun, result


if __name__ == "__main__":
    for label, value in vars(measure(Store(sys.argv[1]), sys.argv[2])).items():
        print(f"{label:12}{value:10.4f}")
