"""What becomes of a candidate that cannot be trained: it ends with its reason, and all others are trained."""

import errno
import math
import multiprocessing
import os
import re
import signal
from dataclasses import replace

import pytest
import toy_study
import troubled_hosts
from optuna.trial import TrialState
from slow_cases import mostly_slow
from sqlalchemy import text

from lrlc_nas.choices import Plan
from lrlc_nas.config import ConfirmationSection
from lrlc_nas.engine import prepare, start_study
from lrlc_nas.engine.lease import Lease
from lrlc_nas.engine.run_end import MOST_CRASHES
from lrlc_nas.errors import UnwritableError
from lrlc_nas.report import write_report
from lrlc_nas.search.optuna_view import OptunaView
from lrlc_nas.search.space import over_limits
from lrlc_nas.store import claim, this_process
from tests.reliability.lives import PRELOADED

CONTEXT = multiprocessing.get_context("forkserver")
TROUBLED = Plan.of({"second": "lc"})
FOREVER = 3600.0
LEAVES = ("leave", 3, "SystemExit: 3")


def train(store, *arguments, **space):
    """Train a study with a worker in this process; the run that gets into trouble, and its epochs."""
    study = start_study(store, troubled_hosts.config(*arguments, **space)).record
    toy_study.work(store)
    return troubled_run(store, study)


def troubled_run(store, study):
    """Of a study that has ended; all its other runs are complete."""
    runs = store.runs(study)
    (troubled,) = (run for run in runs if run.state != "complete")
    assert len({run.plan for run in runs}) == 4
    toy_study.assert_mirrored(store)
    return troubled, store.run_epochs(troubled)


@pytest.mark.parametrize(
    ("trouble", "epoch", "code"),
    mostly_slow([("exit", 2, 13), ("crash", 0, -signal.SIGSEGV), ("hang", 2, 1)], ("exit", 2, 13)),
)
def test_a_run_that_ends_its_process_is_tried_some_times_and_then_fails(store, trouble, epoch, code):
    CONTEXT.set_forkserver_preload(PRELOADED)
    study = start_study(store, troubled_hosts.config(trouble, epoch)).record
    seconds = 2.0 if trouble == "hang" else 600.0
    found = []
    while not store.is_done(study):
        process = CONTEXT.Process(target=troubled_hosts.work_in_process, args=(str(store.url), seconds))
        process.start()
        process.join(120)
        found.append(process.exitcode)
        assert len(found) <= 2 * MOST_CRASHES
    assert found[-1] == 0
    assert found[:-1] == [code] * MOST_CRASHES
    run, epochs = troubled_run(store, study)
    assert (run.plan, run.state) == (TROUBLED, "failed")
    assert run.reason == f"error: its worker died {MOST_CRASHES} times in epoch {epoch}"
    assert [each.epoch for each in epochs] == list(range(epoch))


@pytest.mark.parametrize(
    ("trouble", "code", "words"), mostly_slow([LEAVES, ("input", 1, "OSError: [Errno 5] Input/output error")], LEAVES)
)
def test_beside_a_run_that_ends_each_worker_by_an_error_all_others_are_trained(store, trouble, code, words):
    """Two workers: while one dies, the other gets on."""
    CONTEXT.set_forkserver_preload(PRELOADED)
    study = start_study(store, troubled_hosts.config(trouble)).record
    found = []
    while not store.is_done(study):
        pair = [
            CONTEXT.Process(target=troubled_hosts.work_in_process, args=(str(store.url), FOREVER)) for _ in range(2)
        ]
        for process in pair:
            process.start()
        for process in pair:
            process.join(120)
        found += [process.exitcode for process in pair]
        assert len(found) <= 2 * MOST_CRASHES
    assert sorted(found, key=bool) == [0] * (len(found) - MOST_CRASHES) + [code] * MOST_CRASHES
    run, epochs = troubled_run(store, study)
    assert (run.plan, run.state, epochs) == (TROUBLED, "failed", [])
    assert run.reason == f"error: its worker died {MOST_CRASHES} times in epoch 0, once of {words}"


def test_a_checkpoint_that_cannot_be_written_is_no_death_of_its_run(store, study, monkeypatch):
    def fail(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(UnwritableError, match="Read-only file system: the checkpoint needs"):
        toy_study.work(store)
    held = claim(store, study.record, "other", FOREVER)
    assert (held.run.number, held.crash_count) == (0, 0)


def test_a_run_over_which_workers_die_before_it_has_a_plan_ends_without_one(store, study, tmp_path):
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE nas_run SET crash_count = {MOST_CRASHES} WHERE number = 8"))
    toy_study.work(store)
    runs = store.runs(study.record)
    assert [run.number for run in runs if run.state not in ("complete", "pruned")] == [8]
    assert (runs[8].plan, runs[8].reason) == (None, f"error: its worker died {MOST_CRASHES} times in epoch 0")
    trial = OptunaView(store, "toy", study.record.space).study.trials[8]
    assert trial.state == TrialState.FAIL
    write_report(store, "toy", tmp_path / "toy.html")


def test_a_step_that_never_ends_does_not_hold_its_run(store, study):
    held = claim(store, study.record, this_process(), 0.4)
    told = []
    with Lease(store, held, hang_seconds=1.0, on_hang=told.append) as lease:
        for _ in range(30):  # longer than the lease, and than a step may last
            lease.step()
            assert not lease._ended.wait(0.1)
        assert claim(store, study.record, "other", FOREVER).run.number == 1
        assert told == []
        while (taken := claim(store, study.record, "other", FOREVER)).run.number != 0:
            assert not lease._ended.wait(0.2)
            assert taken.run.number < toy_study.TRIALS - 1, "the claim is still renewed"
    assert told == ["run 0: no step has ended for 1 s"]
    assert taken.crash_count == 1


def test_a_step_that_was_only_slow_goes_on_if_nobody_has_taken_its_run(store, study, caplog):
    held = claim(store, study.record, this_process(), 0.4)
    with Lease(store, held, hang_seconds=0.2) as lease:
        assert not lease._ended.wait(1.0)
        lease.step()
        assert not lease.lost
    assert "run 0: no step has ended for 0 s; its claim is not renewed any more" in caplog.text


@pytest.mark.parametrize("moment", mostly_slow(["build", "forward", "backward"], "forward"))
def test_where_memory_runs_out_the_same_process_goes_on_and_nothing_stays(store, moment, monkeypatch):
    monkeypatch.setattr(troubled_hosts, "LEFT", [])
    monkeypatch.setattr(troubled_hosts, "ALIVE", [])
    run, epochs = train(store, f"full: {moment}")
    assert (run.plan, run.state, run.value, epochs) == (TROUBLED, "pruned", None, [])
    assert run.reason.startswith(f"infeasible: out of memory: simulated: {moment}")
    assert {each.worker_id for each in store.runs(store.study("toy"))} == {this_process()}
    assert len(troubled_hosts.LEFT) == 2
    assert run.number < 3, "a network was built after the one that was too large"
    assert set(troubled_hosts.ALIVE) == {0}


@pytest.mark.parametrize(
    ("trouble", "epoch", "reason"),
    [
        ("nan", 0, r"diverged: epoch 0: the training loss is nan"),
        pytest.param("inf", 0, r"diverged: epoch 0: the training loss is inf", marks=pytest.mark.slow),
        pytest.param("nan", 2, r"diverged: epoch 2: the training loss is nan", marks=pytest.mark.slow),
        ("explodes", 2, r"diverged: epoch 2: the training loss is (nan|inf)"),
    ],
)
def test_a_run_that_diverges_ends_within_the_epoch_and_leaves_finite_numbers(store, trouble, epoch, reason):
    run, epochs = train(store, trouble, epoch)
    assert (run.plan, run.state) == (TROUBLED, "pruned")
    assert re.fullmatch(reason, run.reason)
    assert [each.epoch for each in epochs] == list(range(epoch))
    assert run.value == (epochs[-1].value if epochs else None)
    with store.engine.connect() as connection:
        for table in ("nas_epoch", "nas_run", "trial_values", "trial_intermediate_values"):
            for row in connection.execute(text(f"SELECT * FROM {table}")):
                assert all(math.isfinite(value) for value in row if isinstance(value, float))
                assert not {"inf", "nan", "INF_POS", "INF_NEG", "NAN"} & {str(value) for value in row}
    assert math.isfinite(OptunaView(store, "toy", store.study("toy").space).study.best_value)


LIMITS = {
    "max_parameters": (lambda cost: cost.parameters, r"infeasible: \d+ x the host's parameters; the limit is [\d.]+"),
    "max_memory": (
        lambda cost: cost.training_bytes(18),
        r"infeasible: [\d.]+ x the host's training memory; the limit is [\d.]+",
    ),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_plan_that_is_too_large_as_a_whole_is_not_trained(store, limit, monkeypatch):
    """Each of its choices alone can be afforded, or it would not be in the space."""
    monkeypatch.setattr(troubled_hosts, "TRAINED", set())
    size, reason = LIMITS[limit]
    prepared = prepare(troubled_hosts.config())
    both = Plan.of({"first": "lc", "second": "lc"})
    largest = max(size(prepared.cost(Plan.of({site: "lc"}))) for site in ("first", "second"))
    between = (largest + size(prepared.cost(both))) / 2 / size(prepared.host)
    run, epochs = train(store, **{limit: between})
    assert (run.plan, run.state, run.value, epochs) == (both, "pruned", None, [])
    assert re.fullmatch(reason, run.reason)
    layers = {("Conv2d", "Conv2d"), ("Conv2d", "LocallyConnected2d"), ("LocallyConnected2d", "Conv2d")}
    assert layers == troubled_hosts.TRAINED


def test_a_confirmation_trains_what_was_asked_for_whatever_it_costs():
    config = troubled_hosts.config()
    space = config.space.model_copy(update={"max_parameters": 1.0})
    prepared = replace(prepare(config), config=config.model_copy(update={"space": space}))
    assert "the limit is 1" in prepared.excess(TROUBLED)
    part = ConfirmationSection(of="toy", claims=(), family=1)
    confirmation = replace(prepared, config=prepared.config.model_copy(update={"confirmation": part}))
    assert confirmation.excess(TROUBLED) == ""


def test_what_is_at_the_limit_can_be_afforded():
    prepared = prepare(troubled_hosts.config())
    total = prepared.cost(TROUBLED)
    section = prepared.config.space.model_copy(update={"max_parameters": total.parameters / prepared.host.parameters})
    assert over_limits(section, prepared.host, total, prepared.task.training_bytes) == ""
