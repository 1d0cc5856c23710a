"""Reasons are words for people: whatever they say, the evidence says the same."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.config import ClaimSection, ConfirmationSection, StudyConfig
from lrlc_nas.evidence.conclusion import conclude
from lrlc_nas.evidence.effects import screen
from lrlc_nas.evidence.lost_runs import count_lost_runs
from lrlc_nas.evidence.pruning_audit import audit
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.report.verdict_lines import verdict
from lrlc_nas.store import RunRecord, StudyRecord

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = ClaimSection(label="a: lc", plan={"a": "lc"}, controls={"wide": {"a": "wide-2"}})
ARMS = [Plan(), Plan.of({"a": "lc"}), Plan.of({"a": "wide-2"})]
FAILED = (EndCause.CRASHED, EndCause.ERROR)
WORDS = st.one_of(
    st.text(),
    st.sampled_from(
        [
            "behind the others after epoch 1",
            "diverged: epoch 0",
            "infeasible: out of memory: 2 GiB",
            "infeasible: 9 x the host",
            "error: its worker died 10 times in epoch 0",
        ]
    ),
)


def study_record(config):
    return StudyRecord(
        study_id=1,
        name="toy",
        created=MOMENT,
        trials=20,
        config=config,
        space={"a": ("conv", "lrlc-2", "lc"), "b": ("conv", "lc")},
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={},
        files="",
        sites=(),
    )


def a_run(number, plan, cause, value, **changes):
    state = RunState.COMPLETE
    if cause is not None:
        state = RunState.FAILED if cause in FAILED else RunState.PRUNED
    fields = {
        "run_id": number,
        "number": number,
        "trial_id": number,
        "role": Role.SAMPLED,
        "repeat": 0,
        "seed": number,
        "plan": plan,
        "parameters": 1,
        "macs": 1,
        "state": state,
        "reason": "",
        "value": None if state == RunState.FAILED else value,
        "attempt": 1,
        "worker_id": "",
        "epoch": 1,
        "started": MOMENT,
        "finished": MOMENT,
        "facts": {},
        "cause": cause,
    }
    return RunRecord(**fields | changes)


def search():
    """A search of complete runs and of every other end, and its epochs."""
    study = study_record(StudyConfig(name="toy"))
    plans = [Plan.of({"a": a, "b": b}) for a in ("conv", "lrlc-2", "lc") for b in ("conv", "lc")]
    causes = [None] * 12 + [*EndCause, EndCause.BEHIND]
    runs = [
        a_run(number, plans[number % 6], cause, 0.5 + 0.013 * (number * 7 % 11)) for number, cause in enumerate(causes)
    ]
    epochs = {
        run.run_id: [an_epoch(0, 0.4 + 0.01 * (run.number % 5))]
        + ([an_epoch(1, run.value)] if run.state == RunState.COMPLETE else [])
        for run in runs
    }
    return study, runs, epochs


def confirmation():
    """A confirmation in which each kind of end has cost the claim a run."""
    section = ConfirmationSection(of="toy", claims=(CLAIM,), family=3)
    study = study_record(StudyConfig(name="toy/confirmation", confirmation=section))
    causes = [*EndCause, None, None, None, None]
    runs = [
        a_run(
            3 * pair + number,
            plan,
            cause if number == 1 else None,
            0.5 + 0.02 * number + 0.001 * (pair % 3),
            role=Role.CONFIRM,
            repeat=pair,
            seed=1000 + pair,
            stage=1 + pair // 5,
        )
        for pair, cause in enumerate(causes)
        for number, plan in enumerate(ARMS)
    ]
    return study, runs


def told_of_a_search(runs):
    study, _, epochs = search()
    screening = screen(study, runs, epochs)
    best = screening.best and screening.best.number
    return replace(screening, best=None), best, audit(study, runs, epochs), verdict(study, runs, screening)


def told_of_a_confirmation(runs):
    study, _ = confirmation()
    return conclude(study, runs), count_lost_runs(ARMS, runs)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_whatever_reasons_say_the_evidence_says_the_same(data):
    _, runs, _ = search()
    reworded = [replace(run, reason=data.draw(WORDS)) for run in runs]
    assert told_of_a_search(reworded) == told_of_a_search(runs)
    _, runs = confirmation()
    reworded = [replace(run, reason=data.draw(WORDS)) for run in runs]
    assert told_of_a_confirmation(reworded) == told_of_a_confirmation(runs)


@pytest.mark.parametrize("cause", EndCause)
def test_the_cause_does_decide(cause):
    """The test above would see nothing if these runs told the evidence nothing."""
    _, runs, _ = search()
    without = [run if run.cause != cause else replace(run, cause=None, state=RunState.RUNNING) for run in runs]
    assert told_of_a_search(without) != told_of_a_search(runs)
    _, runs = confirmation()
    other = EndCause.DIVERGED if cause != EndCause.DIVERGED else EndCause.ERROR
    changed = [replace(run, cause=other) if run.cause == cause else run for run in runs]
    if {cause, other} != {EndCause.ERROR, EndCause.CRASHED}:
        assert count_lost_runs(ARMS, changed) != count_lost_runs(ARMS, runs)


def test_a_stage_is_a_number_whatever_the_study_is_called():
    study, runs = confirmation()
    renamed = replace(study, name="anything", config=study.config.model_copy(update={"name": "anything"}))
    assert conclude(renamed, runs) == conclude(study, runs)
