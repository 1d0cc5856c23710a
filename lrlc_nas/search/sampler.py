"""Which plan comes next, when the balanced block is done: TPE over one categorical parameter for each site.

A proposal is a function of the study's seed, the trial's number and the trials that have ended, so that a
resumed study proposes what the uninterrupted one would have proposed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import optuna
from numpy.random import default_rng
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from ..choices import Plan
from ..runs import stream_seed
from .space import Space

__all__ = ["propose"]

_TRIES = 40
_STARTUP = 8
_CANDIDATES = 24
_ENUMERABLE = 20_000


def propose(study: optuna.Study, trial: FrozenTrial, space: Space, *, sampler: str, seed: int) -> Iterator[Plan]:
    """Plans to try, best first; the caller takes the first that no other run has.

    The last ones are random or, where that is feasible, all that there are: so a space with a free plan left
    always gives one. The sampler, ``tpe`` or ``random``, learns from the finished trials of Optuna's study; the trial
    that needs a plan is running.
    """
    if sampler == "tpe" and _finished(study) >= _STARTUP:
        distributions = {site: CategoricalDistribution(tokens) for site, tokens in space.tokens.items()}
        for attempt in range(_TRIES):
            # Seeds of Optuna's samplers have 32 bits.
            number = stream_seed(seed, "sampler", trial.number, attempt) % 2**32
            yield Plan.of(_tpe(number, attempt).sample_relative(study, trial, dict(distributions)))
    rng = default_rng(stream_seed(seed, "plan", trial.number))
    sites, tokens = list(space.tokens), list(space.tokens.values())
    if space.size <= _ENUMERABLE:
        everything = list(itertools.product(*tokens))
        for index in rng.permutation(len(everything)):
            yield Plan.of(dict(zip(sites, everything[index], strict=True)))
    else:
        while True:
            yield Plan.of({site: choices[rng.integers(len(choices))] for site, choices in space.tokens.items()})


def _finished(study: optuna.Study) -> int:
    """How many trials TPE can learn from; it would itself count those of the first time that it was asked."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


def _tpe(seed: int, attempt: int) -> optuna.samplers.TPESampler:
    """TPE with fewer candidates at each attempt: in a small space it would propose the same plan again and again."""
    return optuna.samplers.TPESampler(
        multivariate=True,
        constant_liar=True,
        n_startup_trials=0,
        n_ei_candidates=max(1, _CANDIDATES // (1 + attempt)),
        seed=seed,
    )
