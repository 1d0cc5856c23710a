"""What a running study looks like in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ..store import EpochRecord, RunRecord, Store, StudyRecord
from ..study import StudyConfig, best_run


__all__ = ["Watcher"]

_REFRESH_SECONDS = 0.5


class Watcher:
    """Shows the runs of a study while workers train: a live table in a terminal, a line for each end elsewhere.

    Args:
        console: where to.
        store: the study database.
        study: which study.
    """

    def __init__(self, console: Console, store: Store, study: StudyRecord) -> None:
        self.console = console
        self.store = store
        self.study = study
        self._epochs_each = StudyConfig.from_json(study.config).recipe.epochs
        self._told: set[int] = set()
        self._next = 0.0
        self._live: Live | None = None
        self._began = time.monotonic()
        self._trained_before = self._trained(store.epochs(study))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the display open."""
        self._told = {run.run_id for run in self.store.runs(self.study) if run.finished}
        if not self.console.is_terminal:
            yield
            self.tick(force=True)
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as self._live:
            yield
            self.tick(force=True)
        self._live = None

    def tick(self, *, force: bool = False) -> None:
        """Bring the display up to date, at most a few times a second."""
        if time.monotonic() < self._next and not force:
            return
        self._next = time.monotonic() + _REFRESH_SECONDS
        runs, epochs = self.store.runs(self.study), self.store.epochs(self.study)
        if self._live is not None:
            self._live.update(self._page(runs, epochs), refresh=True)
        else:
            self._tell_ends(runs)

    def _tell_ends(self, runs: list[RunRecord]) -> None:
        ended = sum(run.finished is not None for run in runs)
        for run in runs:
            if run.finished is not None and run.run_id not in self._told:
                self._told.add(run.run_id)
                reason = f" ({run.reason})" if run.reason else ""
                self.console.print(
                    f"[{ended}/{self.study.trials}] trial {run.slot} {run.plan}: {run.state} "
                    f"{_percent(run.value)}{reason}",
                    markup=False,
                    highlight=False,
                )

    def _page(self, runs: list[RunRecord], epochs: dict[int, list[EpochRecord]]) -> Group:
        ended = sum(run.finished is not None for run in runs)
        progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
        )
        left = self._time_left(runs, epochs)
        progress.add_task("trials", total=len(runs), completed=ended, left=left)
        best = best_run(runs)
        line = Text(
            "best so far: none yet" if best is None else f"best so far: {_percent(best.value)}  {best.plan}"
        )
        return Group(progress, line, self._table(runs, epochs))

    def _table(self, runs: list[RunRecord], epochs: dict[int, list[EpochRecord]]) -> Table:
        table = Table(box=None, padding=(0, 2))
        for column in ("trial", "plan", "state", "epochs", "accuracy", "images/s"):
            table.add_column(column, justify="left" if column in ("plan", "state") else "right")
        running = [run for run in runs if run.state == "running"]
        ended = sorted((run for run in runs if run.finished), key=lambda run: str(run.finished))[-5:]
        for run in ended + running:
            history = epochs.get(run.run_id, [])
            accuracy = history[-1].accuracy if history else None
            speed = f"{history[-1].images_per_second:,.0f}" if history else ""
            plan = Text(str(run.plan) if run.plan is not None else "…")
            done = f"{len(history)}/{self._epochs_each}"
            table.add_row(str(run.slot), plan, run.state, done, _percent(accuracy), speed)
        return table

    def _time_left(self, runs: list[RunRecord], epochs: dict[int, list[EpochRecord]]) -> str:
        """From the pace since this display opened; runs that may be pruned count whole."""
        trained = self._trained(epochs) - self._trained_before
        if trained <= 0:
            return "time left: …"
        ahead = sum(self._epochs_each - len(epochs.get(run.run_id, [])) for run in runs if not run.finished)
        seconds = (time.monotonic() - self._began) / trained * ahead
        return f"time left: at most {seconds // 60:.0f}:{seconds % 60:02.0f}"

    @staticmethod
    def _trained(epochs: dict[int, list[EpochRecord]]) -> int:
        return sum(len(history) for history in epochs.values())


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f} %"
