"""Claims: which worker may write to which run, and for how long.

A worker claims a run for some seconds and renews while it trains. If it dies, the lease expires and another
worker claims the same run; if it was only frozen, it finds that its attempt number is no longer the run's and
stops (a fence: Kleppmann, "How to do distributed locking", 2016). All times are the database's.

A claim that was not given back is a crash, which is counted until the run records its next epoch: what kills every
worker is told from a stop, and from what happens once.

Every call here may be repeated, and is, if the store retries: a server may store what it was told and die before
it can say so. A claim that has expired while the database was away is still held if nobody has taken it since.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ..choices import Plan
from ..errors import FencedError
from ..facts import EndCause, RunState
from ..fault_points import fault_point
from ..runs.results import EpochResult
from .engine import database_now
from .models import EpochRow, ItemsRow, RunRow
from .records import Claim, StudyRecord
from .retry import repeatable
from .rows import run_record
from .sqlite_limits import require_one_machine
from .studies import Store
from .worker_id import is_dead

__all__ = [
    "claim",
    "finish",
    "note",
    "plan_run",
    "progress",
    "record_epoch",
    "release",
    "release_dead",
    "renew",
    "set_trial",
]


def claim(store: Store, study: StudyRecord, worker_id: str, seconds: float) -> Claim | None:
    """Claim the first run that nobody holds; None if there is none now.

    A run that has no trial yet is still in the making by whoever raised the total, and is left to them. After an
    outage in which claims may have run out, their holders get half of the time of a claim to renew them.

    Raises:
        StorageError: if the database is a SQLite file in which workers of another machine hold runs.
    """
    tried: list[Claim] = []  # what this call has written; the answer to the last may be lost
    began, mercy = time.monotonic(), seconds / 2

    def silent() -> bool:
        return time.monotonic() - began >= mercy > 0 or store.outages.was_silent(mercy)

    def try_once() -> Claim | None:
        if tried and _is_ours(store, tried[-1]):
            return tried[-1]
        return _claim(store, study, worker_id, seconds, tried, silent)

    held = store.retry(try_once)
    if held is not None:
        fault_point("claim.stored")
    return held


@repeatable
def renew(store: Store, held: Claim) -> None:
    """Hold a claim for its full time again.

    Raises:
        FencedError: if another worker has claimed the run since.
    """
    with Session(store.engine) as session, session.begin():
        now = database_now(session.connection())
        _require(_update(session, held, expires=now + held.seconds), held)


@repeatable
def release(store: Store, held: Claim) -> None:
    """Give a claim back: the run waits again, and can be claimed at once. Nothing happens if it is not held."""
    with Session(store.engine) as session, session.begin():
        _update(session, held, expires=0.0, state=RunState.WAITING.value)
        fault_point("release.commit")
    fault_point("release.stored")


@repeatable
def release_dead(store: Store, study: StudyRecord, *, counted: bool = True) -> int:
    """Give back the claims of workers that ran on this machine and have ended; how many there were.

    Args:
        store: the study database.
        study: which study.
        counted: whether these are crashes; they are not if whoever calls has ended the workers himself.
    """
    held = and_(RunRow.study_id == study.study_id, RunRow.done == 0, RunRow.expires > 0)
    claimed = select(RunRow).where(held).with_for_update()
    with Session(store.engine) as session, session.begin():
        rows = [row for row in session.scalars(claimed) if is_dead(row.worker_id)]
        for row in rows:
            row.expires = 0.0
            row.state = RunState.WAITING.value
            row.crash_count += counted
        fault_point("dead.commit")
    fault_point("dead.stored")
    return len(rows)


@repeatable
def progress(store: Store, study: StudyRecord) -> tuple[int, int, int]:
    """How many runs have ended, epochs are recorded, and crashes are counted since: never twice the same."""
    sums = "SUM(done) AS ended, SUM(epoch) AS epochs, SUM(crash_count) AS crashes"
    (row,) = store.select(f"SELECT {sums} FROM nas_run WHERE study_id = :study", study=study.study_id)  # noqa: S608
    return int(row.ended), int(row.epochs), int(row.crashes)


@repeatable
def set_trial(store: Store, study: StudyRecord, number: int, trial_id: int) -> bool:
    """Tie a run to its Optuna trial, once; False if it is tied to another one."""
    with Session(store.engine) as session, session.begin():
        result = session.execute(
            update(RunRow)
            .where(RunRow.study_id == study.study_id, RunRow.number == number, RunRow.trial_id.is_(None))
            .values(trial_id=trial_id)
        )
        tied = select(RunRow.trial_id).where(RunRow.study_id == study.study_id, RunRow.number == number)
        return _rows(result) == 1 or session.scalar(tied) == trial_id


@repeatable
def plan_run(store: Store, held: Claim, plan: Plan, parameters: int, macs: int) -> bool:
    """Reserve a plan for a claimed run; False if another run of the study has it.

    Raises:
        FencedError: if another worker has claimed the run since.
    """
    try:
        with Session(store.engine) as session, session.begin():
            done = _update(
                session,
                held,
                RunRow.plan.is_(None),
                plan=plan.to_json(),
                plan_digest=plan.digest,
                parameters=parameters,
                macs=macs,
            )
            if not done:
                row = session.get_one(RunRow, held.run.run_id)
                _require(row.attempt == held.attempt and row.plan_digest == plan.digest, held)
            fault_point("plan.commit")
    except IntegrityError:
        return False
    fault_point("plan.stored")
    return True


@repeatable
def record_epoch(store: Store, held: Claim, epoch: EpochResult) -> None:
    """Record one epoch, once: repeating the call changes nothing.

    Raises:
        FencedError: if another worker has claimed the run since.
    """
    with Session(store.engine) as session, session.begin():
        now = database_now(session.connection())
        expected = RunRow.epoch == epoch.epoch
        values = {"epoch": epoch.epoch + 1, "expires": now + held.seconds, "crash_count": 0}
        if _update(session, held, expected, **values):
            session.add(_epoch_row(held, epoch))
            if epoch.items:
                session.merge(ItemsRow(run_id=held.run.run_id, epoch=epoch.epoch, items=epoch.items))
            session.flush()
            fault_point("epoch.commit")
            return
        # Either the answer to an earlier try was lost, or the run is not ours any more.
        row = session.get_one(RunRow, held.run.run_id)
        _require(row.attempt == held.attempt and row.epoch > epoch.epoch, held)


@repeatable
def note(store: Store, held: Claim, facts: Mapping[str, Any]) -> None:
    """Note facts of a claimed run before its end; of one that is noted already the first value stays.

    Raises:
        FencedError: if another worker has claimed the run since.
    """
    with Session(store.engine) as session, session.begin():
        _require(_update(session, held, facts=json.dumps({**facts, **_noted(session, held)})), held)


@repeatable
def finish(
    store: Store,
    held: Claim,
    state: RunState,
    *,
    value: float | None,
    cause: EndCause | None = None,
    reason: str = "",
    facts: Mapping[str, Any],
) -> None:
    """End a run, once; facts that were noted before stay.

    Args:
        store: the study database.
        held: the claim of the run.
        state: a final one.
        value: see `RunRecord`.
        cause: why it was pruned or failed.
        reason: the same in words.
        facts: see `RunRecord`.

    Raises:
        FencedError: if another worker has claimed the run since.
    """
    with Session(store.engine) as session, session.begin():
        now = database_now(session.connection())
        ended = _update(
            session,
            held,
            done=1,
            state=RunState(state).value,
            value=value,
            cause=None if cause is None else EndCause(cause).value,
            reason=reason,
            finished=now,
            expires=0.0,
            facts=json.dumps({**facts, **_noted(session, held)}),
        )
        if not ended:
            row = session.get_one(RunRow, held.run.run_id)
            _require(row.attempt == held.attempt and bool(row.done), held)
        fault_point("finish.commit")
    fault_point("finish.stored")


def _epoch_row(held: Claim, result: EpochResult) -> EpochRow:
    """The row of an epoch. JSON has each number by its repr, from which the same one is read back."""
    scores = json.dumps({name: float(score) for name, score in result.scores.items()})
    told = {"epoch": result.epoch, "value": result.value, "seconds": result.seconds, "scores": scores}
    return EpochRow(run_id=held.run.run_id, attempt=held.attempt, **told)


def _claim(
    store: Store, study: StudyRecord, worker_id: str, seconds: float, tried: list[Claim], silent: Callable[[], bool]
) -> Claim | None:
    with Session(store.engine) as session, session.begin():
        require_one_machine(session.connection(), store.shown)
        now = database_now(session.connection())
        row = session.scalars(
            select(RunRow)
            .where(
                RunRow.study_id == study.study_id,
                RunRow.done == 0,
                RunRow.trial_id.is_not(None),
                RunRow.expires < now,
                *([RunRow.state != RunState.RUNNING.value] if silent() else ()),
            )
            .order_by(RunRow.number)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return None
        row.crash_count += row.state == RunState.RUNNING  # nobody has given it back
        row.attempt += 1
        row.worker_id = worker_id
        row.expires = now + seconds
        row.state = RunState.RUNNING.value
        row.started = row.started or now
        session.flush()
        held = Claim(run_record(row), row.attempt, worker_id, seconds, row.crash_count)
        tried.append(held)
        fault_point("claim.commit")
    return held


def _is_ours(store: Store, tried: Claim) -> bool:
    """Whether a claim whose answer was lost is in the database; it has its full time again then."""
    with Session(store.engine) as session, session.begin():
        now = database_now(session.connection())
        return _update(session, tried, RunRow.worker_id == tried.worker_id, expires=now + tried.seconds)


def _noted(session: Session, held: Claim) -> dict[str, Any]:
    facts = session.scalars(select(RunRow.facts).where(RunRow.run_id == held.run.run_id)).one()
    return dict(json.loads(facts))


def _update(session: Session, held: Claim, *conditions: ColumnElement[bool], **values: object) -> bool:
    """Change the run if it is still held and has not ended; whether it was changed."""
    still_held = (RunRow.run_id == held.run.run_id, RunRow.attempt == held.attempt, RunRow.done == 0)
    result = session.execute(
        update(RunRow).where(*still_held, *conditions).values(**values).execution_options(synchronize_session=False)
    )
    return _rows(result) == 1


def _rows(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0


def _require(held_still: bool, held: Claim) -> None:
    if not held_still:
        raise FencedError(f"run {held.run.number}: another worker has claimed it after attempt {held.attempt}")
