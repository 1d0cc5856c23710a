"""A worker: claims one run after the other and trains it, until the study is done.

An outage of the database ends no run: training goes on, and epochs wait in its checkpoints (`PendingEpochs`).
Elsewhere the worker waits where it is. It finds out by its next write whether the claim is still its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import closing, suppress

import torch

from ..errors import (
    DeviceError,
    DiskError,
    FencedError,
    LrlcNasError,
    StorageError,
    StudyStoppedError,
    TrainingStoppedError,
    UnwritableError,
)
from ..facts import RunState
from ..layers.tuning import remembering
from ..runs import is_device_lost
from ..search.optuna_view import OptunaView
from ..store import (
    RETRY_SECONDS,
    Claim,
    KernelChoices,
    Store,
    StudyRecord,
    claim,
    note,
    release,
    release_dead,
    require_present_version,
    this_process,
)
from .attempt import Attempt
from .call_with_timeout import call_with_timeout
from .lease import HANG_SECONDS, LEASE_SECONDS, Lease, warn_of_hanging
from .preparation import Prepared
from .run_end import DIED_OF, in_one_line

__all__ = ["Worker"]

_LOG = logging.getLogger("lrlc_nas")
_POLL_SECONDS = 0.5
_SAME_ERRORS = 3
_RELEASE_SECONDS = 10.0
# No run is to blame for them, whichever it was that met them.
_BLAMELESS = (KeyboardInterrupt, StorageError, DiskError, UnwritableError)


class Worker:
    """Trains the runs of one study.

    Args:
        store: the study database.
        study: which study.
        prepared: its images, host and space, as `prepare` gives them.
        device: where to train.
        should_stop: asked between steps and between runs.
        lease_seconds: how long a claim lasts without renewal.
        retry_seconds: how many seconds to wait while the database does not answer.
        hang_seconds: after how long without a step a run is taken to hang, and is left to the others.
        on_hang: told once of such a run, from another thread.
    """

    def __init__(
        self,
        store: Store,
        study: StudyRecord,
        prepared: Prepared,
        *,
        device: torch.device | str,
        should_stop: Callable[[], bool] = lambda: False,
        lease_seconds: float = LEASE_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        hang_seconds: float = HANG_SECONDS,
        on_hang: Callable[[str], None] = warn_of_hanging,
    ) -> None:
        self.store = store.retrying(retry_seconds, should_stop)
        self.study = study
        self.prepared = prepared
        self.device = torch.device(device)
        self.should_stop = should_stop
        self.lease_seconds = lease_seconds
        self.hang_seconds = hang_seconds
        self.on_hang = on_hang
        self.view = OptunaView(self.store, study.name, study.space)
        self._worker_id = this_process()

    def work(self) -> None:
        """Claim and train until every run has ended, or until asked to stop.

        Raises:
            StudyStoppedError: if the last runs have all ended with the same error.
            StorageError: if an older version of this package made the study.
            OutageError: if the database does not answer, and the time to retry or the work has to end.
            DiskError: if the disk is full.
            DeviceError: if the device is lost to this process, which has to end.
            UnwritableError: if a checkpoint cannot be written otherwise.
            BaseException: whatever else escapes from a run, an exit of its code too. Its claim is not given back, so
                that it counts as a crash of the run, and the process has to end.
        """
        with closing(self.view), remembering(KernelChoices(self.store, self.study)):
            self.store.retry(lambda: require_present_version(self.store.engine))
            self.view.catch_up(self.store.runs(self.study), self.store.epochs(self.study))
            while not self.should_stop():
                held = claim(self.store, self.study, self._worker_id, self.lease_seconds)
                if held is not None:
                    self._attempt(held)
                elif self.store.is_done(self.study):
                    return
                elif not release_dead(self.store, self.study):
                    time.sleep(_POLL_SECONDS)  # living workers hold all that is left; one of them may die

    def _attempt(self, held: Claim) -> None:
        try:
            with Lease(self.store, held, self.hang_seconds, self.on_hang) as lease:
                Attempt(
                    self.store, self.study, self.prepared, self.view, self.device, held, lambda: self._is_over(lease)
                ).run()
        except TrainingStoppedError:
            self._give_back(held)
        except FencedError as error:
            _LOG.warning("%s; this worker goes on with another run", error)
        except _BLAMELESS:
            self._give_back(held)
            raise
        except BaseException as error:
            if is_device_lost(error):
                self._give_back(held)
                where = f"run {held.run.number}: {self.device} is lost to its worker"
                raise DeviceError(f"{where}: {in_one_line(error)}") from error
            self._leave(held, error)
            raise
        else:
            self._require_progress()

    def _is_over(self, lease: Lease) -> bool:
        lease.step()
        return lease.lost or self.should_stop()

    def _give_back(self, held: Claim) -> None:
        """Release a claim, at once or not at all: it runs out by itself."""
        why = f"the database is silent for {_RELEASE_SECONDS:.0f} s"
        try:
            if call_with_timeout(lambda: release(self.store.retrying(0), held), _RELEASE_SECONDS):
                return
        except (StorageError, DiskError) as error:
            why = str(error)
        _LOG.warning("run %d: could not give back its claim: %s", held.run.number, why)

    def _leave(self, held: Claim, error: BaseException) -> None:
        """Keep a claim although this worker ends: whoever finds it then counts a crash of the run."""
        words = f"{type(error).__name__}: {in_one_line(error)}"
        known = held.run.facts.get(DIED_OF) == words
        _LOG.error("run %d: this worker dies of %s", held.run.number, words, exc_info=None if known else error)
        with suppress(LrlcNasError):
            note(self.store.retrying(0), held, {DIED_OF: words})

    def _require_progress(self) -> None:
        # Only after a run of this worker has ended: a study that errors stopped may be resumed when they are mended.
        last = self.store.last_ended(self.study, _SAME_ERRORS)
        ends = {(run.state, run.cause, run.reason) for run in last}
        if len(last) == _SAME_ERRORS and len(ends) == 1 and last[0].state == RunState.FAILED:
            raise StudyStoppedError(
                f"study {self.study.name!r}: the last {_SAME_ERRORS} runs ended with the same {last[0].reason}"
            )
