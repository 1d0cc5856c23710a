"""What a running study looks like in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...runs.results import EpochResult
from ...search import best_run
from ...store import RunRecord, Store, StudyRecord
from .words import plain, shown

__all__ = ["Watcher"]

_REFRESH_SECONDS = 0.5
_LAST_ENDED = 5


class Watcher:
    """Shows the runs of a study while workers train: a live page in a terminal, a line for each end elsewhere."""

    def __init__(self, console: Console, store: Store, study: StudyRecord) -> None:
        self.console = console
        self.store = store
        self.study = study
        self._metric = study.metric
        self._epochs_each = study.epochs
        self._pace = _Pace(_trained(store.epochs(study)))
        self._told = {run.run_id for run in store.runs(study) if run.finished}
        self._next = 0.0
        self._live: Live | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the display open."""
        if not self.console.is_terminal:
            yield
            self.tick(force=True)
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as self._live:
            yield
        self._live = None

    def tick(self, *, force: bool = False) -> None:
        """Bring the display up to date, at most a few times a second."""
        if time.monotonic() < self._next and not force:
            return
        self._next = time.monotonic() + _REFRESH_SECONDS
        runs = self.store.runs(self.study)
        if self._live is not None:
            self._live.update(self.page(runs, self.store.epochs(self.study)), refresh=True)
        else:
            self._tell_ends(runs)

    def page(self, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Group:
        """The live page: progress and time left, the best so far, and a table of the latest runs."""
        best = best_run(runs, self._metric)
        line = "none yet" if best is None or best.value is None else f"{self._metric.named(best.value)}, {best.plan}"
        return Group(self._progress(runs, epochs), plain(f"best so far: {line}"), self._table(runs, epochs))

    def _progress(self, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Table:
        ended = sum(run.finished is not None for run in runs)
        # Where only the training knows, the longest run so far tells.
        each = self._epochs_each or max((len(history) for history in epochs.values()), default=1)
        ahead = sum(max(0, each - len(epochs.get(run.run_id, ()))) for run in runs if not run.finished)
        left = self._pace.time_left(_trained(epochs), ahead)
        grid = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=max(1, len(runs)), completed=ended, width=30)
        grid.add_row("runs", bar, f"{ended}/{len(runs)}", f"time left: {left}")
        return grid

    def _table(self, runs: Sequence[RunRecord], epochs: Mapping[int, Sequence[EpochResult]]) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("run", "state", "epochs", self._metric.name, "images/s", "plan"):
            left = column in ("state", "plan")
            table.add_column(plain(column), justify="left" if left else "right", no_wrap=column != "plan")
        for run in _latest(runs):
            history = epochs.get(run.run_id, ())
            value = shown(self._metric, history[-1].value) if history else ""
            measured = history[-1].scores.get("images_per_second") if history else None
            speed = "" if measured is None else f"{measured:,.0f}"
            done = f"{len(history)}/{self._epochs_each or '?'}"
            table.add_row(str(run.number), plain(run.state), done, value, speed, _plan_line(run))
        return table

    def _tell_ends(self, runs: Sequence[RunRecord]) -> None:
        ended = sum(run.finished is not None for run in runs)
        for run in runs:
            if run.finished is not None and run.run_id not in self._told:
                self._told.add(run.run_id)
                facts = [f"{run.plan}: {run.state}", shown(self._metric, run.value), run.reason and f"({run.reason})"]
                line = f"[{ended}/{len(runs)}] run {run.number} {' '.join(filter(None, facts))}"
                self.console.print(plain(line), soft_wrap=True)


class _Pace:
    """How fast epochs come in, from the first one that comes: before it, workers only start."""

    def __init__(self, trained: int) -> None:
        self._first = trained
        self._since: float | None = None

    def time_left(self, trained: int, ahead: int) -> str:
        """Words for the time that `ahead` epochs take; runs that may be pruned count whole."""
        if trained > self._first and self._since is None:
            self._first, self._since = trained, time.monotonic()
        if trained == self._first or self._since is None:
            return "…"
        seconds = (time.monotonic() - self._since) / (trained - self._first) * ahead
        return f"at most {timedelta(seconds=round(seconds))}"


def _trained(epochs: Mapping[int, Sequence[EpochResult]]) -> int:
    return sum(len(history) for history in epochs.values())


def _latest(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Those that ended last, then those that run."""
    ended = sorted((run.finished, run.number, run) for run in runs if run.finished is not None)
    return [run for _, _, run in ended[-_LAST_ENDED:]] + [run for run in runs if run.state == "running"]


def _plan_line(run: RunRecord) -> Text:
    """The plan of a run in one line: a page that is higher than the terminal would be cut."""
    line = plain("…" if run.plan is None else str(run.plan))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
