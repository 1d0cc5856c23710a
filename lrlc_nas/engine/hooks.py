"""Functions of the user's that hear of each epoch, for a tracker of experiments; they can harm no run."""

from __future__ import annotations

import logging
from typing import Any

from ..errors import InputError
from ..references import import_function
from ..runs import EpochResult
from ..store import RunRecord, StudyRecord

__all__ = ["call_hooks"]

_LOG = logging.getLogger("lrlc_nas")
_failed: set[str] = set()


def call_hooks(study: StudyRecord, run: RunRecord, result: EpochResult) -> None:
    """Call each hook of a study with what is known of an epoch, in the worker, once for each epoch.

    It gets one dict of plain values: ``study``, ``run``, ``role``, ``seed``, ``plan`` (site to token), ``metric``,
    ``epoch`` (from 0), ``value``, ``seconds``, and ``scores`` (name to number). A hook that raises is warned of once,
    and called again after the next epoch.
    """
    for name in study.config.hooks:
        try:
            import_function(name)(_facts(study, run, result))
        except (Exception, SystemExit) as error:  # it is the user's: it can raise anything
            if name not in _failed:
                _failed.add(name)
                words = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
                _LOG.warning("hook %s failed in run %d, which goes on: %s", name, run.number, words)


def _facts(study: StudyRecord, run: RunRecord, result: EpochResult) -> dict[str, Any]:
    return {
        "study": study.name,
        "run": run.number,
        "role": run.role.value,
        "seed": run.seed,
        "plan": run.plan.tokens if run.plan is not None else {},
        "metric": study.metric.name,
        "epoch": result.epoch,
        "value": result.value,
        "seconds": result.seconds,
        "scores": dict(result.scores),
    }
