"""Studies that went wrong, made without training: their runs end as they are told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from command_line import DATABASE
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.engine import catch_up, open_study
from lrlc_nas.engine.confirm import confirmation_to_run
from lrlc_nas.facts import EndCause, RunState
from lrlc_nas.store import RunRecord, Store, StudyRecord, claim, finish, plan_run, record_epoch, set_trial

__all__ = ["ODD_CONFIRMATIONS", "ODD_SEARCHES", "claim_something", "confirm_oddly", "end_oddly"]

End = tuple[RunState, EndCause | None]
"""State of a run that has ended, and its cause."""

PRUNED = (RunState.PRUNED, EndCause.BEHIND)
FAILED = (RunState.FAILED, EndCause.ERROR)
DIVERGED = (RunState.PRUNED, EndCause.DIVERGED)
COMPLETE = (RunState.COMPLETE, None)

ODD_SEARCHES: Mapping[str, Callable[[int], End | None]] = {
    "no run finished": lambda number: None,
    "one run only": lambda number: COMPLETE if number == 0 else None,
    "one seed of the host": lambda number: FAILED if number in (1, 2) else COMPLETE,
    "all pruned": lambda number: PRUNED,
    "all failed": lambda number: FAILED,
    "all diverged": lambda number: DIVERGED,
}
"""Name to what becomes of the run in each number; None for one that waits."""

ODD_CONFIRMATIONS: Mapping[str, Callable[[RunRecord], End | None]] = {
    "no run ended": lambda run: None,
    "no whole seed": lambda run: COMPLETE if (run.plan == Plan()) == (run.repeat == 0) else FAILED,
    "the host failed": lambda run: FAILED if run.plan == Plan() else COMPLETE,
    "the host diverged": lambda run: DIVERGED if run.plan == Plan() else COMPLETE,
    "the claim failed": lambda run: FAILED if run.plan == Plan.of({"conv3": "lc"}) else COMPLETE,
    "the claim diverged once": lambda run: (
        DIVERGED if run.plan == Plan.of({"conv3": "lc"}) and run.repeat == 0 else COMPLETE
    ),
    "one whole seed": lambda run: FAILED if run.repeat else COMPLETE,
    "all failed": lambda run: FAILED,
}


def end_oddly(folder: Path, ending: Callable[[int], End | None]) -> None:
    """End the runs of the study ``small`` in a folder, which nobody has trained."""
    with _store(folder) as store:
        _end(store, store.study("small"), lambda run: ending(run.number))
        catch_up(open_study(store, "small"))


def claim_something(folder: Path) -> None:
    """Complete the study ``small``, and begin to confirm ``lc`` at ``conv3`` with two seeds."""
    end_oddly(folder, lambda number: COMPLETE)
    with _store(folder) as store:
        confirmation_to_run(store, "small", {"conv3: lc": Plan.of({"conv3": "lc"})}, seeds=2)


def confirm_oddly(folder: Path, ending: Callable[[RunRecord], End | None]) -> None:
    """End the runs of that confirmation."""
    with _store(folder) as store:
        _end(store, store.study("small/confirmation"), ending)


@contextmanager
def _store(folder: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{folder / DATABASE}")
    yield store
    store.engine.dispose()


def _end(store: Store, study: StudyRecord, ending: Callable[[RunRecord], End | None]) -> None:
    for run in store.runs(study):
        end = ending(run)
        if end is not None:
            _train(store, study, run, *end)


def _train(store: Store, study: StudyRecord, run: RunRecord, state: RunState, cause: EndCause | None) -> None:
    """Runs are claimed in their order, so those that wait have to come last."""
    held = claim(store, study, "somebody", 60)
    assert held is not None
    assert held.run.number == run.number
    set_trial(store, study, run.number, 1000 * study.study_id + run.number)
    if held.run.plan is None:
        plan_run(store, held, Plan.of({"conv1": "lc", "conv2": ("lrlc-2", "lc")[run.number % 2]}), 5000, 9000)
    accuracy = 0.5 + 0.01 * (run.number % 4)
    if state != RunState.FAILED and cause != EndCause.DIVERGED:
        record_epoch(store, held, an_epoch(0, accuracy))
    value = accuracy if state == RunState.COMPLETE else None
    facts = {"device": "cpu", "threads": 1}
    finish(store, held, state, value=value, cause=cause, reason="words", facts=facts)
