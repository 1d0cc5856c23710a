"""Studies that went wrong, made without training: their runs end as they are told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from command_line import DATABASE

from lrlc_nas.choices import Plan
from lrlc_nas.engine import catch_up, open_study
from lrlc_nas.engine.confirm import confirmation_to_run
from lrlc_nas.search.pruning import behind
from lrlc_nas.store import (
    EpochRecord,
    RunRecord,
    Store,
    StudyRecord,
    claim,
    finish,
    plan_run,
    record_epoch,
    set_trial,
)


__all__ = ["ODD_CONFIRMATIONS", "ODD_SEARCHES", "claim_something", "confirm_oddly", "end_oddly"]

End = tuple[str, str]
"""State and reason of a run that has ended."""

PRUNED = ("pruned", behind(1))
FAILED = ("failed", "error: ValueError: no such layer")
DIVERGED = ("pruned", "diverged: the loss of step 3 is nan")
COMPLETE = ("complete", "")

ODD_SEARCHES: Mapping[str, Callable[[int], End | None]] = {
    "no run finished": lambda slot: None,
    "one run only": lambda slot: COMPLETE if slot == 0 else None,
    "one seed of the host": lambda slot: FAILED if slot in (1, 2) else COMPLETE,
    "all pruned": lambda slot: PRUNED,
    "all failed": lambda slot: FAILED,
    "all diverged": lambda slot: DIVERGED,
}
"""Name to what becomes of the run in each slot; None for one that waits."""

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
        _end(store, store.study("small"), lambda run: ending(run.slot))
        catch_up(open_study(store, "small"))


def claim_something(folder: Path) -> None:
    """Complete the study ``small``, and begin to confirm ``lc`` at ``conv3`` with two seeds."""
    end_oddly(folder, lambda slot: COMPLETE)
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


def _train(store: Store, study: StudyRecord, run: RunRecord, state: str, reason: str) -> None:
    """Runs are claimed in their order, so those that wait have to come last."""
    held = claim(store, study, "somebody", 60)
    assert held is not None
    assert held.run.slot == run.slot
    set_trial(store, study, run.slot, 1000 * study.study_id + run.slot)
    if held.run.plan is None:
        plan_run(store, held, Plan.of({"conv1": "lc", "conv2": ("lrlc-2", "lc")[run.slot % 2]}), 5000, 9000)
    accuracy = 0.5 + 0.01 * (run.slot % 4)
    if state != "failed" and not reason.startswith("diverged"):
        record_epoch(store, held, EpochRecord(held.run.run_id, 0, 1.0, 0.5, 1.0, accuracy, 0.1, 2.5, 900.0))
    value = accuracy if state == "complete" else None
    finish(store, held, state, value=value, reason=reason, facts={"device": "cpu", "threads": 1})
