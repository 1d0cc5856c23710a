"""Which finished runs keep a checkpoint: what something reads later, and no more."""

import multiprocessing
import signal
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import torch
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from lrlc_nas.choices import Plan
from lrlc_nas.config import ACCURACY, StudyConfig, load_config
from lrlc_nas.engine import export_best, resume_study, start_study, study_bytes, study_folder
from lrlc_nas.engine.files import adopt_checkpoints, run_checkpoints
from lrlc_nas.engine.retention import needed_runs, remove_superfluous
from lrlc_nas.errors import InputError
from lrlc_nas.facts import Role, RunState
from lrlc_nas.fault_points import Fault, arm
from lrlc_nas.inspection.trained import _of_search
from lrlc_nas.report.reading import look_inside
from lrlc_nas.search import best_run
from lrlc_nas.store import RunRecord, Store, claim
from tests.reliability.lives import PRELOADED

CONTEXT = multiprocessing.get_context("forkserver")
BEST = StudyConfig(name="toy")
ALL = toy_study.config(files={"keep": "all"})
CONFIRMATION = toy_study.config(
    confirmation={"of": "x", "claims": [{"label": "x", "plan": {"first": "lc"}, "controls": {}}], "family": 1}
)
PLANS = st.sampled_from(["host", "wide-2", "lrlc-1", "lrlc-2", "lc"])


@pytest.fixture(scope="module", autouse=True)
def _import_once():
    CONTEXT.set_forkserver_preload(PRELOADED)


def a_run(number, state, token, value, minutes):
    finished = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    return RunRecord(
        run_id=number + 1,
        number=number,
        trial_id=number + 1,
        role=Role.SAMPLED,
        repeat=number,
        seed=number,
        plan=Plan() if token == "host" else Plan.of({"first": token}),
        parameters=1,
        macs=1,
        state=RunState(state),
        reason="",
        value=value,
        attempt=1,
        worker_id="me",
        epoch=1,
        started=finished,
        finished=None if state == "running" else finished,
        facts={},
    )


@st.composite
def histories(draw):
    """Runs in the order of their ends; many are equally good."""
    states = draw(st.lists(st.sampled_from(["complete"] * 3 + ["pruned", "failed", "running"]), max_size=12))
    numbers = draw(st.permutations(range(len(states))))
    values = st.integers(0, 3)
    return [
        a_run(number, state, draw(PLANS), draw(values) / 4, minutes)
        for minutes, (number, state) in enumerate(zip(numbers, states, strict=True))
    ]


def kept(store):
    """Slot to the epochs of the checkpoints that are there."""
    found = {}
    for path in sorted(study_folder(store, store.study("toy")).glob("trial-*/attempt-*/*")):
        found.setdefault(int(path.parts[-3].removeprefix("trial-")), []).append(path.name[:11])
    return found


def last_of(numbers):
    return {number: ["epoch-00002"] for number in numbers}


def needed(store):
    return needed_runs(BEST, store.runs(store.study("toy")), ACCURACY)


@given(histories())
def test_what_is_not_needed_now_is_never_needed_again(history):
    """So a worker that has not heard of the latest ends removes nothing that will be wanted."""
    gone = set()
    for number in range(len(history) + 1):
        before = history[:number]
        stays = needed_runs(BEST, before, ACCURACY)
        assert not stays & gone
        gone |= {run.number for run in before if run.state == "complete"} - stays


@given(histories())
def test_what_the_report_and_the_export_read_is_needed(history):
    stays = needed_runs(BEST, history, ACCURACY)
    complete = [run for run in history if run.state == "complete"]
    assert stays <= {run.number for run in complete}
    if not complete:
        return
    hosts = [run for run in complete if run.plan == Plan()]
    wanted = [best_run(history, ACCURACY), complete[-1], *filter(None, [best_run(hosts, ACCURACY)])]
    if any(run.plan.relaxes for run in complete):
        chosen = _of_search(SimpleNamespace(metric=ACCURACY), sorted(history, key=lambda run: run.number))
        wanted += [chosen.runs[0], *chosen.hosts[:3]]
    assert {run.number for run in wanted} <= stays


def test_of_many_runs_of_the_host_the_first_three_and_the_best_are_needed():
    hosts = [a_run(number, "complete", "host", 0.1 * number, minutes=number) for number in range(6)]
    relaxed = [a_run(number, "complete", "lc", 0.3, minutes=number) for number in (6, 7)]
    assert needed_runs(BEST, hosts + relaxed, ACCURACY) == {0, 1, 2, 5, 6, 7}
    assert needed_runs(BEST, [*hosts, *relaxed, a_run(8, "complete", "coord", 0.2, 8)], ACCURACY) == {0, 1, 2, 5, 6, 8}


@given(histories())
def test_all_and_confirmations_keep_every_complete_run(history):
    complete = {run.number for run in history if run.state == "complete"}
    assert needed_runs(ALL, history, ACCURACY) == needed_runs(CONFIRMATION, history, ACCURACY) == complete


def test_a_trained_study_keeps_what_is_needed_and_says_how_much_that_is(uninterrupted):
    stays = needed(uninterrupted)
    complete = {run.number for run in uninterrupted.runs(uninterrupted.study("toy")) if run.state == "complete"}
    assert stays < complete
    assert kept(uninterrupted) == last_of(stays)
    study = uninterrupted.study("toy")
    runs = [run for run in uninterrupted.runs(study) if run.number in stays]
    sizes = [run_checkpoints(uninterrupted, study, run).newest_path().stat().st_size for run in runs]
    assert study_bytes(uninterrupted, study) == sum(sizes) > 0


def test_nothing_is_missing_in_the_report_and_the_export(uninterrupted, tmp_path):
    inside = look_inside(uninterrupted, "toy", trusted=True)
    assert (inside.maps_reason, inside.shifts_reason) == ("", "")
    assert inside.maps
    assert export_best(uninterrupted, "toy", tmp_path / "best").epochs == 3


def test_a_study_may_keep_all(store):
    start_study(store, ALL)
    toy_study.work(store, should_stop=iter([False] * 120 + [True] * 99).__next__)
    complete = {run.number for run in store.runs(store.study("toy")) if run.state == "complete"}
    assert len(complete) > len(needed(store))
    assert {number: files for number, files in kept(store).items() if number in complete} == last_of(complete)


def test_a_run_that_has_not_finished_is_never_touched(store, study):
    held = claim(store, study.record, "me", 3600.0)
    saved = adopt_checkpoints(store, study.record, held.run)
    saved.save(0, {"network": {"weight": torch.zeros(1)}})
    saved.save(1, {"network": {"weight": torch.zeros(1)}})
    remove_superfluous(store, study.record)
    toy_study.work(store, should_stop=lambda: len(kept(store)) > 2)
    resume_study(store, "toy")
    assert kept(store)[held.run.number] == ["epoch-00000", "epoch-00001"]


@pytest.mark.slow  # as the one below, undisturbed
def test_what_two_workers_finish_is_what_is_kept(store, study):
    workers = [CONTEXT.Process(target=toy_study.work_in_process, args=(str(store.url),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    assert sorted(kept(store)) == sorted(needed(store))


def die_at(url, fault):
    torch.set_num_threads(1)
    store = Store(url)
    arm(Fault.parse(fault))
    toy_study.work(store)


def test_a_removal_that_was_cut_short_is_made_up_for(store, study, uninterrupted):
    for fault in ("end.after:6:kill", "remove.emptied:1:kill", "remove.before:9:kill"):
        dying = CONTEXT.Process(target=die_at, args=(str(store.url), fault))
        dying.start()
        dying.join(60)
        assert dying.exitcode == -signal.SIGKILL, fault
        resumed = resume_study(store, "toy")
        finished = {run.number for run in store.runs(resumed.record) if run.finished is not None}
        assert {number for number in kept(store) if number in finished} == needed(store), fault
    toy_study.work(store)
    assert toy_study.trace(store) == toy_study.trace(uninterrupted)
    assert sorted(kept(store)) == sorted(needed(store))


def test_removing_again_changes_nothing(store, study):
    toy_study.work(store, should_stop=iter([False] * 60 + [True] * 99).__next__)
    before = kept(store)
    assert before
    remove_superfluous(store, study.record)
    assert kept(store) == before


def test_another_word_is_refused():
    with pytest.raises(InputError, match=r"files\.keep: input should be 'best' or 'all'; got 'some'"):
        load_config(None, ["files.keep=some"])
