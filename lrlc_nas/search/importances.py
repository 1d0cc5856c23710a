"""Optuna's own importances of the sites, for those who know them from its dashboard.

They say which site tells the best trials from the rest, without an interval and over complete trials alone; after a
sampler has converged on a choice its site can look unimportant for that very reason. The evidence does not use them.

Reference: Watanabe et al., "PED-ANOVA", IJCAI 2023, arXiv 2304.10255.
"""

from __future__ import annotations

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import TrialState

from ..store import Store
from .optuna_view import optuna_study

__all__ = ["importances", "study_importances"]

_FEWEST = 2


def importances(study: optuna.Study) -> dict[str, float]:
    """Site to its share of the importance, which add up to 1; empty while fewer than two trials are complete."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(complete) < _FEWEST:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that few trials tell little, which is said above
        return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def study_importances(store: Store, name: str) -> dict[str, float]:
    """The importances of a study in the database, which is only read; empty if Optuna's side is missing."""
    if not store.has_optuna_study(name):
        return {}
    with optuna_study(store, name) as study:
        return importances(study)
