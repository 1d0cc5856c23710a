"""An objective for the user's own Optuna study: choose a token for each site, train, report, prune."""

from __future__ import annotations

import optuna
import torch

from ..choices import Plan
from ..config import StudyConfig
from ..errors import InputError
from ..facts import RunState
from ..runs import EpochResult, free_memory
from ..tasks import RunHandle
from .preparation import prepare
from .run_end import end_of

__all__ = ["Objective"]


class Objective:
    """Maps an `optuna.Trial` to the metric of the task on the search split after the last epoch.

    Each site of the host is one categorical parameter, named as the site, with choice tokens as its values.
    After each epoch the value is reported, and the trial is pruned if the study's pruner says so. It may be pickled,
    and called from several threads, which then train one epoch after the other.

    Args:
        config: host, data, recipe and space; its search and budget are not used.
        device: where to train.

    Raises:
        InputError: as `lrlc_nas.engine.prepare`.
    """

    def __init__(self, config: StudyConfig, device: torch.device | str = "cpu") -> None:
        self.prepared = prepare(config)
        self.device = device

    def __reduce__(self) -> tuple[type[Objective], tuple[StudyConfig, torch.device | str]]:
        return Objective, (self.prepared.config, self.device)  # a process of its own prepares it anew

    def __call__(self, trial: optuna.Trial) -> float:
        """Train the plan that the trial suggests.

        Raises:
            InputError: if the study has several objectives, or another direction than the metric.
            optuna.TrialPruned: if the study gives the trial up, or its network is over the limits of the space,
                diverges or does not fit in memory.
        """
        self._require_direction(trial)
        try:
            return self._train(trial)
        except Exception as error:
            end = end_of(error)
            if end.state != RunState.PRUNED:
                raise
        # Not before here: the error holds the network by its traceback, and Optuna would hold the error.
        free_memory(self.device)
        raise optuna.TrialPruned(end.reason)

    def _require_direction(self, trial: optuna.Trial) -> None:
        study, metric = getattr(trial, "study", None), self.prepared.task.metric
        wanted = [metric.direction]
        came = wanted if study is None else [direction.name.lower() for direction in study.directions]
        if came != wanted:
            raise InputError(
                f"the objective gives one value, {metric.name}, to {metric.direction}; the study is to "
                f"{' and '.join(came)}"
            )

    def _train(self, trial: optuna.Trial) -> float:
        tokens = self.prepared.space.tokens
        plan = Plan.of({site: trial.suggest_categorical(site, choices) for site, choices in tokens.items()})
        if excess := self.prepared.excess(plan):
            raise optuna.TrialPruned(f"infeasible: {excess}")
        seed = self.prepared.config.seed + trial.number

        def listen(result: EpochResult) -> None:
            trial.report(result.value, result.epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        handle = RunHandle(seed, torch.device(self.device), listener=listen)
        self.prepared.task.train(self.prepared.network(plan, seed), handle)
        return handle.reported[-1].value
