"""An objective for the user's own Optuna study: choose a token for each site, train, report, prune."""

from __future__ import annotations

import optuna
import torch

from ..choices import Plan
from ..config import StudyConfig
from ..facts import RunState
from ..runs import EpochResult, free_memory
from ..tasks import RunHandle
from .preparation import prepare
from .run_end import end_of

__all__ = ["Objective"]


class Objective:
    """Maps an `optuna.Trial` to the accuracy on the search split after the last epoch, a fraction to maximise.

    Each site of the host is one categorical parameter, named as the site, with choice tokens as its values.
    After each epoch the accuracy is reported, and the trial is pruned if the study's pruner says so.

    Args:
        config: host, data, recipe and space; its search and budget are not used.
        device: where to train.

    Raises:
        InputError: as `lrlc_nas.engine.prepare`.
    """

    def __init__(self, config: StudyConfig, device: torch.device | str = "cpu") -> None:
        self.prepared = prepare(config)
        self.device = device

    def __call__(self, trial: optuna.Trial) -> float:
        """Train the plan that the trial suggests.

        Raises:
            optuna.TrialPruned: if the study gives the trial up, or its network is over the limits of the space,
                diverges or does not fit in memory.
        """
        try:
            return self._train(trial)
        except Exception as error:
            end = end_of(error)
            if end.state != RunState.PRUNED:
                raise
        # Not before here: the error holds the network by its traceback, and Optuna would hold the error.
        free_memory(self.device)
        raise optuna.TrialPruned(end.reason)

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
