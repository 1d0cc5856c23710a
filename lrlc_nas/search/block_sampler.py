"""The balanced block in the user's own Optuna study: a sampler that begins with it, and a pruner that spares it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from ..choices import Choice, Plan
from ..errors import InputError
from .initial_design import balanced_block, singles_and_hosts
from .space import Space
from .trial_facts import BLOCK, FACTS, SpaceTokens, site_tokens

__all__ = ["BlockPruner", "BlockSampler"]

_ORDER = "lrlc_nas:order"
_FIXED = "fixed_params"


class BlockSampler(BaseSampler):
    """Proposes the balanced block first, then what another sampler proposes.

    The block holds the untouched host with several seeds and every single relaxation, or, with a budget that is too
    small for those, a balanced fraction. It is spread over all processes that share the storage. A plan whose trials
    all failed comes again. Enqueued trials keep their parameters. Parameters that are no sites are the base's business.

    Args:
        base: the sampler for all that comes after the block, and for parameters that are no sites.
        trials: how many trials are planned, which decides whether singles fit into half of them; None: they do.
        host_repeats: how many trials train the untouched host.
        seed: of the balanced fraction.

    Raises:
        InputError: if the host is to be trained in no trial, or in all of them.
    """

    def __init__(
        self, base: BaseSampler | None = None, *, trials: int | None = None, host_repeats: int = 3, seed: int = 0
    ) -> None:
        if not 1 <= host_repeats < (math.inf if trials is None else trials):
            raise InputError(
                "host_repeats must be at least 1, and trials more than host_repeats; "
                f"got {host_repeats} of {'any number of' if trials is None else trials} trials"
            )
        self._base = TPESampler(multivariate=True, constant_liar=True, seed=seed) if base is None else base
        self._trials, self._host_repeats, self._seed = trials, host_repeats, seed

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Give the trial its place in the order of those that this sampler decides."""
        if _FIXED not in trial.system_attrs:
            earlier = (each for each in _trials(study) if each.number < trial.number)
            order = sum(_ORDER in each.system_attrs or _is_starting(each) for each in earlier)
            study._storage.set_trial_system_attr(trial._trial_id, _ORDER, order)
        self._base.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing for a trial of the block, and else what the base infers."""
        trial = _latest(study, trial)
        if _ORDER in trial.system_attrs and not self._is_done(study, trial):
            return {}
        return self._base.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the base proposes, after the block."""
        return self._base.sample_relative(study, trial, search_space) if search_space else {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The token of the block's plan at a site; of anything else what the base proposes."""
        if param_name in site_tokens({param_name: param_distribution}):
            trial = _latest(study, trial)
            plan = self._plan(study, trial) if _ORDER in trial.system_attrs else None
            if plan is not None:
                return plan.at(param_name).token  # of the same space: suggest lays it out for each trial
        return self._base.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Tell the base."""
        self._base.after_trial(study, trial, state, values)

    def reseed_rng(self) -> None:
        """Reseed the base; the block depends on no random state."""
        self._base.reseed_rng()

    def _plan(self, study: optuna.Study, trial: FrozenTrial) -> Plan | None:
        """The plan of the block that a trial has; None after the block."""
        if BLOCK not in trial.system_attrs:
            block = self._block(_space(study, trial))
            order = trial.system_attrs[_ORDER]
            place = order if order < len(block) else next(iter(_lost(study, trial, len(block))), None)
            if place is None:
                return None
            study._storage.set_trial_system_attr(trial._trial_id, BLOCK, place)
            return block[place]
        return self._block(_space(study, trial))[int(trial.system_attrs[BLOCK])]

    def _is_done(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether the block has no plan for this trial, as far as is known before the trial says what its sites are."""
        tokens = _space(study, trial)
        if not tokens:
            return False
        size = len(self._block(tokens))
        return trial.system_attrs[_ORDER] >= size and not _lost(study, trial, size)

    def _block(self, tokens: SpaceTokens) -> list[Plan]:
        if not tokens:
            return [Plan()] * self._host_repeats
        space = Space({site: tuple(map(Choice.parse, names)) for site, names in tokens.items()}, {})
        if self._trials is None:
            runs = singles_and_hosts(space, self._host_repeats)
        else:
            most = space.size - 1 + self._host_repeats  # other parameters may ask for more
            runs = balanced_block(space, min(self._trials, most), self._host_repeats, self._seed)
        return [run.plan for run in runs]


class BlockPruner(BasePruner):
    """Prunes as another pruner does, but never a trial of the block: its runs are the unbiased part of the evidence."""

    def __init__(self, base: BasePruner) -> None:
        self._base = base

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to prune the trial."""
        return BLOCK not in trial.system_attrs and self._base.prune(study, trial)


def _trials(study: optuna.Study) -> list[FrozenTrial]:
    return study._storage.get_all_trials(study._study_id, deepcopy=False)


def _latest(study: optuna.Study, trial: FrozenTrial) -> FrozenTrial:
    """The trial with the attributes that were set since Optuna read it."""
    return study._storage.get_trial(trial._trial_id)


def _is_starting(trial: FrozenTrial) -> bool:
    """Whether another process has just begun it, and not given it its place yet."""
    return trial.state == TrialState.RUNNING and not trial.params and _FIXED not in trial.system_attrs


def _space(study: optuna.Study, trial: FrozenTrial) -> SpaceTokens:
    """The sites with their tokens, as the trial itself or any other one tells them; empty before the first does."""
    told = trial.user_attrs.get(FACTS)
    if told is None:
        told = next((each.user_attrs[FACTS] for each in _trials(study) if FACTS in each.user_attrs), None)
    if told is not None:
        return {site: tuple(tokens) for site, tokens in told["space"].items()}
    return max((site_tokens(each.distributions) for each in _trials(study)), key=len, default={})


def _lost(study: optuna.Study, trial: FrozenTrial, size: int) -> list[int]:
    """The plans of the block of which no trial runs or has ended well."""
    others = [each for each in _trials(study) if each.number != trial.number]
    there = {each.system_attrs.get(BLOCK) for each in others if each.state != TrialState.FAIL}
    waiting = sum(_is_starting(each) for each in others)
    return [place for place in range(size) if place not in there][waiting:]
