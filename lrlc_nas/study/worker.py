"""A worker: claims one run after the other, trains it, records it, until the study is done."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace

import torch

from ..choices import Plan
from ..errors import DivergedError, FencedError, StudyStoppedError, TrainingStoppedError
from ..store import (
    Claim,
    EpochRecord,
    RunRecord,
    Store,
    StudyRecord,
    claim,
    finish,
    plan_run,
    record_epoch,
    release,
    this_process,
)
from ..training import EpochResult, fit
from .files import adopt_checkpoints
from .halving import falls_behind, is_rung
from .lease import LEASE_SECONDS, Lease
from .mirror import Mirror
from .preparation import Prepared
from .proposals import propose


__all__ = ["Worker"]

_LOG = logging.getLogger("lrlc_nas")
_POLL_SECONDS = 0.5
_SAME_ERRORS = 3


class Worker:
    """Trains the runs of one study.

    Args:
        store: the study database.
        study: which study.
        prepared: its images, host and space, as `prepare` gives them.
        device: where to train.
        should_stop: asked between steps and between runs.
    """

    def __init__(
        self,
        store: Store,
        study: StudyRecord,
        prepared: Prepared,
        *,
        device: torch.device | str,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.store = store
        self.study = study
        self.prepared = prepared
        self.device = torch.device(device)
        self.should_stop = should_stop
        self.mirror = Mirror(store, study.name, study.space)
        self._owner = this_process()

    def work(self) -> None:
        """Claim and train until every run has ended, or until asked to stop.

        Raises:
            StudyStoppedError: if the same error has ended the last runs.
        """
        while not self.should_stop():
            self._require_progress()
            held = claim(self.store, self.study, self._owner, LEASE_SECONDS)
            if held is not None:
                self._hold(held)
            elif self._done():
                return
            else:
                time.sleep(_POLL_SECONDS)  # others hold all that is left; one of them may die

    def _done(self) -> bool:
        counts = self.store.counts(self.study)
        return not counts.get("waiting") and not counts.get("running")

    def _hold(self, held: Claim) -> None:
        try:
            with Lease(self.store, held) as lease:
                self._attempt(held, lambda: lease.lost or self.should_stop())
        except TrainingStoppedError:
            release(self.store, held)
        except FencedError as error:
            _LOG.warning("%s; this worker goes on with another run", error)
        except BaseException:
            release(self.store, held)
            raise

    def _attempt(self, held: Claim, should_stop: Callable[[], bool]) -> None:
        """Train a claimed run to its end, whatever that end is."""
        try:
            run = self._planned(held)
            state, reason = self._train(held, run, should_stop)
        except DivergedError as error:
            state, reason = "pruned", f"diverged: {error}"
        except (torch.OutOfMemoryError, MemoryError) as error:
            state, reason = "pruned", f"infeasible: out of memory: {_first_line(error)}"
        except (TrainingStoppedError, FencedError, OSError):
            # The world's fault, not the candidate's: the run stays claimable.
            raise
        except Exception as error:
            if _is_allocation_failure(error):
                state, reason = "pruned", f"infeasible: out of memory: {_first_line(error)}"
            else:
                _LOG.error("run %d failed\n%s", held.run.slot, traceback.format_exc())
                state, reason = "failed", f"error: {type(error).__name__}: {_first_line(error)}"
        self._end(held, state, reason)

    def _planned(self, held: Claim) -> RunRecord:
        """The run with its plan; one that has none gets the sampler's."""
        run = held.run
        trial = self.mirror.begin(run)
        if run.plan is None:
            config = self.prepared.config
            proposals = propose(
                self.mirror.study,
                trial,
                self.prepared.space,
                sampler=config.search.sampler,
                seed=config.seed,
            )
            run = next(filter(None, (self._reserved(held, plan) for plan in proposals)))
        assert run.plan is not None
        attributes = {"plan": str(run.plan), "parameters": run.parameters, "macs": run.macs, "seed": run.seed}
        self.mirror.show_plan(run, run.plan, attributes)
        return run

    def _reserved(self, held: Claim, plan: Plan) -> RunRecord | None:
        cost = self.prepared.cost(plan)
        if not plan_run(self.store, held, plan, cost.parameters, cost.macs):
            return None
        return replace(held.run, plan=plan, parameters=cost.parameters, macs=cost.macs)

    def _train(self, held: Claim, run: RunRecord, should_stop: Callable[[], bool]) -> tuple[str, str]:
        assert run.plan is not None
        splits = self.prepared.splits
        network = self.prepared.network(run.plan, run.seed)
        checkpoints = adopt_checkpoints(self.store, self.study, run)
        epochs = fit(
            network,
            splits.train,
            splits.search,
            self.prepared.config.recipe,
            seed=run.seed,
            mean=splits.mean,
            std=splits.std,
            device=self.device,
            checkpoints=checkpoints,
            should_stop=should_stop,
        )
        try:
            for result in epochs:
                if result.epoch >= run.epoch:
                    record_epoch(self.store, held, _epoch_record(run, result))
                self.mirror.report(run, result.epoch, result.accuracy)
                # A crash may have come between the last record and its verdict; earlier verdicts stand.
                if result.epoch >= run.epoch - 1 and self._falls_behind(run, result):
                    return "pruned", f"behind the others after epoch {result.epoch + 1}"
        finally:
            epochs.close()
        checkpoints.keep_last()
        return "complete", ""

    def _falls_behind(self, run: RunRecord, result: EpochResult) -> bool:
        search, epochs = self.prepared.config.search, result.epoch + 1
        if run.role != "sampled" or search.pruner == "none" or epochs == self.prepared.config.recipe.epochs:
            return False
        if not is_rung(epochs, search.min_epochs, search.reduction):
            return False
        accuracies = self.store.accuracies(self.study, result.epoch)
        others = [accuracy for run_id, accuracy in accuracies.items() if run_id != run.run_id]
        return falls_behind(result.accuracy, others, search.reduction)

    def _end(self, held: Claim, state: str, reason: str) -> None:
        recorded = self.store.run_epochs(held.run)
        value = recorded[-1].accuracy if recorded else None
        facts = {
            "device": self._device_name(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "init": self.prepared.config.recipe.init,
        }
        finish(self.store, held, state, value=value, reason=reason, facts=facts)
        self.mirror.end(replace(held.run, state=state, value=value, reason=reason))

    def _device_name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)

    def _require_progress(self) -> None:
        last = self.store.last_ended(self.study, _SAME_ERRORS)
        ends = {(run.state, run.reason) for run in last}
        if len(last) == _SAME_ERRORS and len(ends) == 1 and last[0].state == "failed":
            raise StudyStoppedError(
                f"study {self.study.name!r}: the last {_SAME_ERRORS} runs ended with the same {last[0].reason}"
            )


def _epoch_record(run: RunRecord, result: EpochResult) -> EpochRecord:
    return EpochRecord(run_id=run.run_id, **asdict(result))


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]


def _is_allocation_failure(error: Exception) -> bool:
    # The CPU's allocator raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
