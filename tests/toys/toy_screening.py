"""Made-up runs of a study of two sites, for the screening."""

from datetime import UTC, datetime

from lrlc_nas.choices import Plan
from lrlc_nas.config import StudyConfig
from lrlc_nas.facts import Role, RunState
from lrlc_nas.store import RunRecord, StudyRecord

SPACE = {"conv1": ("conv", "lrlc-2", "lc"), "conv2": ("conv", "lrlc-2", "lc")}
CELLS = [("conv1", "lrlc-2"), ("conv1", "lc"), ("conv2", "lrlc-2"), ("conv2", "lc")]
RELAXED = [{"conv1": first, "conv2": second} for first in SPACE["conv1"] for second in SPACE["conv2"]]
PLANS = [{}, {}, *RELAXED]


def make_study(space=SPACE):
    return StudyRecord(
        study_id=1,
        name="test",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        trials=10,
        config=StudyConfig(name="test"),
        space=space,
        left_out={},
        refused={},
        host_fingerprint="",
        data_fingerprint="",
        facts={},
        files="",
        sites=(),
    )


def make_run(number, tokens, value, state="complete", role="fraction"):
    return RunRecord(
        run_id=number,
        number=number,
        trial_id=None,
        role=Role(role),
        repeat=0,
        seed=number,
        plan=None if tokens is None else Plan.of(tokens),
        parameters=None,
        macs=None,
        state=RunState(state),
        reason="",
        value=value,
        attempt=1,
        worker_id="",
        epoch=1,
        started=None,
        finished=None,
        facts={},
    )


def make_runs(plans, values):
    return [make_run(number, *pair) for number, pair in enumerate(zip(plans, values, strict=True))]
