"""The records of a study that is Optuna's alone: what the evidence takes, however it was searched and trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from ..choices import Plan
from ..config import Metric, SearchSection, StudyConfig
from ..errors import InputError
from ..facts import EndCause, Role, RunState
from ..runs.results import EpochResult
from ..store import RunRecord, SiteRecord, StudyRecord
from .trial_facts import BLOCK, FACTS, SpaceTokens, site_tokens

__all__ = ["OptunaStudy", "optuna_lacks", "optuna_records"]

OptunaStudy = optuna.Study

_STATES = {
    TrialState.COMPLETE: RunState.COMPLETE,
    TrialState.PRUNED: RunState.PRUNED,
    TrialState.FAIL: RunState.FAILED,
    TrialState.RUNNING: RunState.RUNNING,
    TrialState.WAITING: RunState.WAITING,
}
_CAUSES = {RunState.PRUNED: EndCause.BEHIND, RunState.FAILED: EndCause.ERROR}


def optuna_records(
    study: optuna.Study, metric: Metric
) -> tuple[StudyRecord, list[RunRecord], dict[int, list[EpochResult]]]:
    """A study, its trials as runs, and the intermediate values of each as its epochs, by the number of the trial.

    Raises:
        InputError: if the study has several objectives, another direction than the metric, or no parameter that is a
            site; the message says what it has.
    """
    _require_direction(study, metric)
    trials = study.get_trials(deepcopy=False)
    space = _space(trials)
    if not space:
        names = sorted({name for trial in trials for name in trial.params}) or ["(none)"]
        raise InputError(
            f"Optuna study {study.study_name!r}: no parameter is a site. A site is a categorical parameter whose "
            "values are tokens, 'conv' among them, for example ('conv', 'lrlc-2', 'lc'); "
            f"the parameters are {', '.join(names)}"
        )
    runs = [_run(trial, space) for trial in trials]
    return _study(study, trials, space, metric), runs, {trial.number: _epochs(trial) for trial in trials}


def optuna_lacks(study: optuna.Study) -> list[str]:
    """What a study of Optuna's lacks for clean evidence, in sentences that belong beside its effects."""
    trials = study.get_trials(deepcopy=False)
    space = _space(trials)
    others: dict[str, set[object]] = {}
    for trial in trials:
        for name in trial.params.keys() - space.keys():
            others.setdefault(name, set()).add(trial.params[name])
    varied = sorted(name for name, values in others.items() if len(values) > 1)
    partial = sum(not space.keys() <= trial.params.keys() for trial in trials if trial.state.is_finished())
    block = [trial for trial in trials if BLOCK in trial.system_attrs]
    pruned = sum(trial.state == TrialState.PRUNED for trial in block)
    told = {
        f"The trials also differ in {', '.join(varied)}: what those change counts as spread.": bool(varied),
        f"{partial} of the {len(trials)} trials lack a site and are not used.": partial > 0,
        "No trial comes from a balanced block (lrlc_nas.BlockSampler); a sampler chose all plans.": not block,
        f"{pruned} trials of the balanced block were pruned (lrlc_nas.BlockPruner prevents that).": pruned > 0,
    }
    return [sentence for sentence, holds in told.items() if holds]


def _require_direction(study: optuna.Study, metric: Metric) -> None:
    if len(study.directions) != 1:
        raise InputError(
            f"Optuna study {study.study_name!r} has {len(study.directions)} objectives; the evidence is about one"
        )
    direction = study.direction.name.lower()
    if direction != metric.direction:
        raise InputError(
            f"Optuna study {study.study_name!r} is to {direction}, but the metric {metric.name!r} to {metric.direction}"
        )


def _space(trials: Iterable[FrozenTrial]) -> SpaceTokens:
    """Each site with all tokens that any trial could choose there, in the order in which they are met."""
    space: dict[str, dict[str, None]] = {}
    for trial in trials:
        for site, tokens in site_tokens(trial.distributions).items():
            space.setdefault(site, {}).update(dict.fromkeys(tokens))
    return {site: ("conv", *(token for token in tokens if token != "conv")) for site, tokens in space.items()}


def _study(study: optuna.Study, trials: Sequence[FrozenTrial], space: SpaceTokens, metric: Metric) -> StudyRecord:
    told: Mapping[str, dict[str, object]] = {}
    left_out: Mapping[str, Mapping[str, str]] = {}
    for facts in (trial.user_attrs[FACTS] for trial in trials if FACTS in trial.user_attrs):
        told, left_out = facts["sites"], facts["left_out"]
    started = [trial.datetime_start for trial in trials if trial.datetime_start is not None]
    return StudyRecord(
        study_id=study._study_id,
        name=study.study_name,
        created=min(started).astimezone(UTC) if started else datetime.now(UTC),
        trials=len(trials),
        config=StudyConfig(name="optuna", search=SearchSection(pruner="none")),
        space=space,
        left_out=left_out,
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={"metric": metric.to_dict(), "epochs": None, "optunas_alone": True},
        files="",
        sites=tuple(SiteRecord(name, geometry) for name, geometry in told.items()),
    )


def _run(trial: FrozenTrial, space: SpaceTokens) -> RunRecord:
    facts = trial.user_attrs.get(FACTS, {})
    state = _STATES[trial.state]
    plan = Plan.of({site: trial.params[site] for site in space}) if space.keys() <= trial.params.keys() else None
    return RunRecord(
        run_id=trial.number,
        number=trial.number,
        trial_id=trial._trial_id,
        role=_role(trial, plan),
        repeat=0,
        seed=facts.get("seed", trial.number),
        plan=plan,
        parameters=facts.get("parameters"),
        macs=facts.get("macs"),
        state=state,
        reason="",
        value=trial.value if state == RunState.COMPLETE else None,
        attempt=1,
        worker_id="",
        epoch=len(trial.intermediate_values),
        started=trial.datetime_start and trial.datetime_start.astimezone(UTC),
        finished=trial.datetime_complete and trial.datetime_complete.astimezone(UTC),
        facts={},
        cause=_CAUSES.get(state),
    )


def _role(trial: FrozenTrial, plan: Plan | None) -> Role:
    if BLOCK not in trial.system_attrs or plan is None:
        return Role.SAMPLED
    return {0: Role.HOST, 1: Role.SINGLE}.get(len(plan.tokens), Role.FRACTION)


def _epochs(trial: FrozenTrial) -> list[EpochResult]:
    steps = sorted(trial.intermediate_values.items())
    return [EpochResult(number, value, 0.0) for number, (_, value) in enumerate(steps)]
