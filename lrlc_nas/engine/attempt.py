"""One attempt at a run: decide its plan if it has none, train it from where it stands, record each epoch."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from optuna.trial import FrozenTrial
from torch import nn

from ..choices import Plan
from ..facts import SEARCH_VALUE, EndCause, Role, RunState
from ..fault_points import fault_point
from ..runs import EpochResult, free_memory
from ..search.optuna_view import OptunaView
from ..search.pruning import AUDIT, audited, falls_behind, is_rung
from ..search.sampler import propose
from ..store import Claim, RunRecord, Store, StudyRecord, finish, note, plan_run, record_epoch
from ..tasks import RunHandle
from .files import adopt_checkpoints
from .hooks import call_hooks
from .pending_epochs import PendingEpochs
from .preparation import Prepared
from .retention import remove_superfluous
from .run_end import RunEnd, RunEndedError, candidate_errors, end_by_crashes

__all__ = ["Attempt"]

_LOG = logging.getLogger("lrlc_nas")


@dataclass(frozen=True)
class Attempt:
    """A claimed run and all that is needed to train it.

    Attributes:
        store: the study database.
        study: which study.
        prepared: its images, host and space.
        view: its Optuna side.
        device: where to train.
        held: the claim.
        should_stop: asked between steps.
    """

    store: Store
    study: StudyRecord
    prepared: Prepared
    view: OptunaView
    device: torch.device
    held: Claim
    should_stop: Callable[[], bool]

    def run(self) -> None:
        """Bring the run to its end, whatever that end is.

        Raises:
            TrainingStoppedError: if `should_stop` says so.
            FencedError: if another worker has taken the run over.
            OutageError: if the database does not answer for longer than the store retries; like all trouble of
                the world it leaves the run claimable.
            DiskError: if the disk is full.
            UnwritableError: if a checkpoint cannot be written otherwise.
            OSError: if the code of the run has met one.
        """
        end = end_by_crashes(self.held)
        if end is not None:
            self.view.begin(self.held.run)
            self._end(self.held.run, end)
            return
        run = self._planned()
        self._end(run, self._too_large(run) or self._trained(run))

    def _planned(self) -> RunRecord:
        """The run with its plan; one that has none gets the sampler's."""
        run = self.held.run
        trial = self.view.begin(run)
        if run.plan is None:
            run = self.view.retry(lambda: self._proposed(trial))
        attributes = {"plan": str(run.plan), "parameters": run.parameters, "macs": run.macs, "seed": run.seed}
        self.view.show_plan(run, attributes)
        fault_point("plan.shown")
        return run

    def _proposed(self, trial: FrozenTrial) -> RunRecord:
        config, space = self.prepared.config, self.prepared.space
        proposals = propose(self.view.study, trial, space, sampler=config.search.sampler, seed=config.seed)
        return next(filter(None, map(self._reserved, proposals)))

    def _reserved(self, plan: Plan) -> RunRecord | None:
        cost = self.prepared.cost(plan)
        if not plan_run(self.store, self.held, plan, cost.parameters, cost.macs):
            return None
        return replace(self.held.run, plan=plan, parameters=cost.parameters, macs=cost.macs)

    def _too_large(self, run: RunRecord) -> RunEnd | None:
        assert run.plan is not None
        excess = self.prepared.excess(run.plan)
        return RunEnd(RunState.PRUNED, EndCause.INFEASIBLE, f"infeasible: {excess}") if excess else None

    def _trained(self, run: RunRecord) -> RunEnd:
        pending = PendingEpochs(partial(self._send, run), self.store.retry_seconds, f"run {run.number}")
        try:
            return self._train(run, pending)
        except RunEndedError as error:
            end = error.end
        # Not before here: the traceback of the error held the network, and whatever filled the memory.
        free_memory(self.device)
        # Epochs before the error may wait still, and what they lead to comes first.
        return pending.flush() or end

    def _train(self, run: RunRecord, pending: PendingEpochs) -> RunEnd:
        assert run.plan is not None
        checkpoints = adopt_checkpoints(self.store, self.study, run)

        def listen(result: EpochResult) -> None:
            ended = pending.put(result)
            if result.epoch >= run.epoch:
                call_hooks(self.study, run, result)
            if ended is not None:
                raise RunEndedError(ended)

        handle = RunHandle(
            *(run.seed, self.device, self.prepared.split, checkpoints, self.should_stop, listen, run.number),
            params={site: run.plan.at(site).token for site in self.study.space},
            options=self.study.config.task.options,
        )
        with candidate_errors():
            network = self.prepared.network(run.plan, run.seed)
            self.prepared.task.train(network, handle)
            self._note_search_value(network)
        ended = pending.flush()
        if ended is not None:
            return ended
        fault_point("keep.before")
        checkpoints.keep_last()
        return RunEnd(RunState.COMPLETE)

    def _note_search_value(self, network: nn.Module) -> None:
        """Of a variant: each arm of a challenge counts with the one that is best for it there."""
        section = self.study.config.confirmation
        if section is not None and section.variant:
            value = self.prepared.task.score(network, "search", self.device)
            note(self.store, self.held, {SEARCH_VALUE: value})

    def _send(self, run: RunRecord, result: EpochResult, seconds: float) -> RunEnd | None:
        """Record an epoch and judge the run by it; an outage may last for so many seconds."""
        limited = replace(self, store=self.store.within(seconds), view=self.view.within(seconds))
        return limited._judge(run, result)

    def _judge(self, run: RunRecord, result: EpochResult) -> RunEnd | None:
        self._record(run, result)
        if self._falls_behind(run, result) and not self._goes_on(run, result.epoch + 1):
            reason = f"behind the others after epoch {result.epoch + 1}"
            return RunEnd(RunState.PRUNED, EndCause.BEHIND, reason)
        return None

    def _record(self, run: RunRecord, result: EpochResult) -> None:
        if result.epoch >= run.epoch:
            fault_point("epoch.before")
            record_epoch(self.store, self.held, result)
            fault_point("epoch.stored")
        self.view.report(run, result.epoch, result.value)
        fault_point("report.after")

    def _falls_behind(self, run: RunRecord, result: EpochResult) -> bool:
        search, epochs = self.prepared.config.search, result.epoch + 1
        if not self._is_judged(run):
            return False
        # A crash may have come between the last record and its verdict; earlier verdicts stand.
        if epochs < run.epoch or not is_rung(epochs, search.min_epochs, search.reduction):
            return False
        if self._is_last(epochs):
            return False
        values = self.store.values(self.study, result.epoch)
        gain = self.study.metric.gain
        others = [gain(value) for run_id, value in values.items() if run_id != run.run_id]
        return falls_behind(gain(result.value), others, search.reduction)

    def _is_last(self, epochs: int) -> bool:
        """Whether a run with so many epochs is at its end; where only its training knows, complete runs tell."""
        known = self.prepared.task.epochs
        complete = (run.epoch for run in self.store.runs(self.study) if run.state == RunState.COMPLETE)
        return epochs == known if known is not None else epochs >= max(complete, default=epochs + 1)

    def _is_judged(self, run: RunRecord) -> bool:
        return run.role == Role.SAMPLED and self.prepared.config.search.pruner != "none"

    def _is_audited(self, run: RunRecord) -> bool:
        config = self.prepared.config
        return self._is_judged(run) and audited(config.seed, run.number, config.search.audit)

    def _goes_on(self, run: RunRecord, epochs: int) -> bool:
        """Whether a run that has fallen behind goes on for the audit; when it first did is noted."""
        if not self._is_audited(run):
            return False
        fault_point("note.before")
        note(self.store, self.held, {AUDIT: epochs})
        fault_point("note.after")
        return True

    def _say(self, run: RunRecord, end: RunEnd) -> None:
        """Log an error, with its trace where the run before did not end with the same one."""
        if end.state == RunState.FAILED:
            before = self.store.last_ended(self.study, 1)
            known = bool(before) and (before[0].cause, before[0].reason) == (end.cause, end.reason)
            _LOG.error("run %d: %s\n%s", run.number, end.reason, "" if known else end.trace)

    def _end(self, run: RunRecord, end: RunEnd) -> None:
        self._say(run, end)
        recorded = self.store.run_epochs(run)
        value = recorded[-1].value if recorded else None
        facts = {
            "device": self._device_name(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "init": self.prepared.task.init,
        }
        if self._is_audited(run):
            facts[AUDIT] = 0  # unless it is noted that the run has fallen behind
        fault_point("finish.before")
        finish(self.store, self.held, end.state, value=value, cause=end.cause, reason=end.reason, facts=facts)
        self.view.end(replace(run, state=end.state, value=value, cause=end.cause, reason=end.reason))
        fault_point("end.after")
        remove_superfluous(self.store, self.study)

    def _device_name(self) -> str:
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else str(self.device)
