import pytest
import toy_study
from sqlalchemy import text

from lrlc_nas.choices import Plan
from lrlc_nas.engine import Worker, resume_study, start_study
from lrlc_nas.errors import DeviceError, DiskError, StudyStoppedError
from lrlc_nas.search.optuna_view import OptunaView
from lrlc_nas.search.pruning import falls_behind
from lrlc_nas.store import Store, claim, finish


@pytest.fixture
def runs(uninterrupted):
    return uninterrupted.runs(uninterrupted.study("toy"))


@pytest.fixture
def epochs(uninterrupted, runs):
    recorded = uninterrupted.epochs(uninterrupted.study("toy"))
    return [recorded[run.run_id] for run in runs]


def test_the_budget_is_exact(runs):
    assert [run.number for run in runs] == list(range(toy_study.TRIALS))
    assert {run.state for run in runs} == {"complete", "pruned"}, "both ends occur in the toy study"
    assert {run.attempt for run in runs} == {1}


def test_the_block_comes_first_and_is_never_pruned(runs):
    block = [run for run in runs if run.role != "sampled"]
    assert block == runs[: toy_study.BLOCK]
    assert {run.state for run in block} == {"complete"}
    assert max(run.finished for run in block) < min(run.started for run in runs[toy_study.BLOCK :])


def test_no_plan_is_trained_twice_but_for_the_host(runs):
    plans = [run.plan for run in runs if run.role != "host"]
    assert len(set(plans)) == len(plans)
    assert Plan() not in plans


def test_every_run_has_a_seed_of_its_own(runs):
    assert [run.seed for run in runs] == list(range(toy_study.TRIALS))


def test_a_run_keeps_its_last_value(runs, epochs):
    for run, recorded in zip(runs, epochs, strict=True):
        assert run.value == recorded[-1].value
        assert run.epoch == len(recorded)
        assert len(recorded) == 3 or run.state == "pruned"


def test_a_pruned_run_says_why(runs):
    reasons = {run.reason for run in runs if run.state == "pruned"}
    assert reasons <= {"behind the others after epoch 1", "behind the others after epoch 2"}
    assert {run.reason for run in runs if run.state == "complete"} == {""}


def test_costs_are_those_of_the_plan(uninterrupted, runs):
    prepared = resume_study(uninterrupted, "toy").prepared
    for run in runs:
        network = prepared.network(run.plan, run.seed)
        assert run.parameters == sum(parameter.numel() for parameter in network.parameters())
        assert run.macs == prepared.cost(run.plan).macs


def test_what_decides_the_bits_of_a_run_is_recorded(runs):
    assert runs[0].facts["device"] == "cpu"
    assert runs[0].facts["threads"] == 1
    assert {"torch", "init"} <= runs[0].facts.keys()


def test_an_ended_study_has_nothing_left_to_do(uninterrupted):
    before = toy_study.trace(uninterrupted)
    toy_study.work(uninterrupted)
    assert toy_study.trace(uninterrupted) == before


def test_without_a_pruner_every_run_is_trained_to_its_end(store):
    start_study(store, toy_study.config(search={"pruner": "none"}, budget={"trials": 10}))
    toy_study.work(store)
    assert {run.state for run in store.runs(store.study("toy"))} == {"complete"}


@pytest.fixture(scope="module")
def all_audited(tmp_path_factory):
    """The toy study with every sampled run audited."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('audited')}/studies.db")
    start_study(store, toy_study.config(search={"audit": 1.0}))
    toy_study.work(store)
    yield store
    store.engine.dispose()


def test_an_audited_run_goes_on_and_keeps_the_verdict(all_audited):
    runs = all_audited.runs(all_audited.study("toy"))
    assert {(run.state, run.epoch) for run in runs} == {("complete", 3)}
    assert all("audit" not in run.facts for run in runs[: toy_study.BLOCK])
    verdicts = [run.facts["audit"] for run in runs[toy_study.BLOCK :]]
    assert set(verdicts) <= {0, 1, 2}
    assert 0 in verdicts
    assert len(set(verdicts)) > 1


def rule_verdict(runs, epochs, run):
    """One worker trains one run after the other, so that the others at a rung are all the runs before it."""
    for epoch in (0, 1):
        before = [epochs[other.run_id][epoch].value for other in runs[: run.number]]
        if falls_behind(epochs[run.run_id][epoch].value, before, 2):
            return epoch + 1
    return 0


def test_the_verdict_is_that_of_the_rule_when_the_run_was_there(all_audited):
    runs, epochs = (read(all_audited.study("toy")) for read in (all_audited.runs, all_audited.epochs))
    assert [run.facts["audit"] for run in runs[toy_study.BLOCK :]] == [
        rule_verdict(runs, epochs, run) for run in runs[toy_study.BLOCK :]
    ]


def test_an_interruption_changes_no_verdict_of_the_audit(store):
    start_study(store, toy_study.config(search={"audit": 1.0}))
    record = store.study("toy")
    toy_study.work(
        store, should_stop=lambda: len(store.epochs(record)) > toy_study.BLOCK
    )  # the block, of which none is audited
    while not store.is_done(record):
        before = sum(map(len, store.epochs(record).values()))
        toy_study.work(store, should_stop=lambda: sum(map(len, store.epochs(record).values())) > before)  # noqa: B023
    runs, epochs = store.runs(record), store.epochs(record)
    assert {run.state for run in runs} == {"complete"}
    assert [run.facts["audit"] for run in runs[toy_study.BLOCK :]] == [
        rule_verdict(runs, epochs, run) for run in runs[toy_study.BLOCK :]
    ]


@pytest.mark.parametrize("search", [{"audit": 0.0}, {"audit": 1.0, "pruner": "none"}])
def test_without_audit_or_pruner_there_is_no_verdict_to_keep(store, search):
    start_study(store, toy_study.config(search=search, budget={"trials": 10}))
    toy_study.work(store)
    assert all("audit" not in run.facts for run in store.runs(store.study("toy")))


@pytest.mark.parametrize("sampler", [pytest.param("random", marks=pytest.mark.slow), "tpe"])
def test_the_whole_space_can_be_trained(store, sampler):
    """Both samplers come to every plan: 16 of them, one with a second seed."""
    budget = {"trials": 17}
    start_study(store, toy_study.config(search={"sampler": sampler}, recipe={"epochs": 1}, budget=budget))
    toy_study.work(store)
    runs = store.runs(store.study("toy"))
    assert len({run.plan for run in runs}) == 16
    assert len(runs) == 17


TROUBLES = {
    "diverges": ("pruned", r"diverged: epoch 0: the training loss is nan"),
    "out of memory": ("pruned", r"infeasible: out of memory: CUDA out of memory. Tried to allocate 2.00 GiB."),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_candidate_that_cannot_be_trained_is_pruned_and_the_study_goes_on(store, trouble):
    state, reason = TROUBLES[trouble]
    start_study(
        store,
        toy_study.config(
            host={"options": {"trouble": trouble}},
            recipe={"epochs": 1},
            space={"choices": ["lc"]},
            search={"host_repeats": 1},
            budget={"trials": 4},
        ),
    )
    toy_study.work(store)
    runs = store.runs(store.study("toy"))
    assert len({run.plan for run in runs}) == 4
    for run in runs:
        relaxed = run.plan.at("second").token != "conv"
        assert (run.state, run.reason, run.value is None) == (
            (state, reason, True) if relaxed else ("complete", "", False)
        )
    toy_study.assert_mirrored(store)


def troubled(kind):
    """A study that first trains what is no trouble: the host, and each choice at the first convolution alone."""
    return toy_study.config(host={"options": {"trouble": kind}}, recipe={"epochs": 1}, budget={"trials": 16})


def test_a_bug_fails_its_run_and_three_in_a_row_stop_the_study(store, caplog):
    start_study(store, troubled("bug"))
    message = r"study 'toy': the last 3 runs ended with the same error: ValueError: no such \? layer"
    with pytest.raises(StudyStoppedError, match=message):
        toy_study.work(store)
    states = [run.state for run in store.runs(store.study("toy"))]
    assert states == ["complete"] * 5 + ["failed"] * 3 + ["waiting"] * 8
    assert caplog.text.count("in make_trouble") == 1, "the log has one traceback"


def test_a_study_that_errors_stopped_can_be_resumed_when_the_bug_is_mended(store, monkeypatch):
    start_study(store, troubled("bug"))
    with pytest.raises(StudyStoppedError):
        toy_study.work(store)
    monkeypatch.setattr(toy_study, "make_trouble", lambda kind: 1.0)
    toy_study.work(store)
    states = [run.state for run in store.runs(store.study("toy"))]
    assert states == ["complete"] * 5 + ["failed"] * 3 + ["complete"] * 8
    toy_study.assert_mirrored(store)


def test_trouble_of_the_world_rises_and_leaves_the_run_to_the_next(store, monkeypatch):
    start_study(store, troubled("disk"))
    with pytest.raises(DiskError, match="No space left on device"):
        toy_study.work(store)
    run = store.runs(store.study("toy"))[5]
    assert (run.state, run.reason) == ("waiting", "")
    monkeypatch.setattr(toy_study, "make_trouble", lambda kind: 1.0)
    toy_study.work(store)
    assert {run.state for run in store.runs(store.study("toy"))} == {"complete"}


def test_a_lost_device_ends_the_worker_and_no_run_is_to_blame(store, monkeypatch):
    start_study(store, troubled("device lost"))
    message = r"^run 5: cpu is lost to its worker: CUDA error: device-side assert triggered$"
    with pytest.raises(DeviceError, match=message):
        toy_study.work(store)
    held = claim(store, store.study("toy"), "other", 3600.0)
    assert (held.run.number, held.crash_count, held.run.facts) == (5, 0, {})


def test_a_worker_first_ends_the_trials_of_runs_whose_worker_died_too_soon(store, study):
    held = claim(store, study.record, "dead", 3600.0)
    finish(store, held, "complete", value=0.25, facts={})
    Worker(store, study.record, study.prepared, device="cpu", should_stop=lambda: True).work()
    trial = OptunaView(store, "toy", study.record.space).study.trials[held.run.number]
    assert (trial.state.name, trial.value) == ("COMPLETE", 0.25)


def test_a_verdict_that_was_given_stands(store, study, uninterrupted):
    """Runs that reach a rung later do not end one that has passed it, even if it has been interrupted since."""
    kept = next(run for run in uninterrupted.runs(study.record)[toy_study.BLOCK :] if run.state == "complete")
    toy_study.work(store, should_stop=lambda: store.runs(study.record)[kept.number].epoch == 2)
    with store.engine.begin() as connection:
        connection.execute(
            text("UPDATE nas_epoch SET value = 1 WHERE epoch = 0 AND run_id != :id"),
            {"id": store.runs(study.record)[kept.number].run_id},
        )
    toy_study.work(store)
    assert store.runs(study.record)[kept.number].state == "complete"


def test_a_worker_that_was_told_to_stop_claims_nothing(store, study):
    toy_study.work(store, should_stop=lambda: True)
    assert store.counts(store.study("toy")) == {"waiting": toy_study.TRIALS}


def test_a_polite_stop_is_not_taken_for_a_fourth_error(store):
    start_study(store, troubled("bug"))
    with pytest.raises(StudyStoppedError):
        toy_study.work(store)
    asked = iter([False, True, True])  # before the first step of the run after the three that failed
    toy_study.work(store, should_stop=lambda: next(asked))
    assert store.counts(store.study("toy")) == {"complete": 5, "failed": 3, "waiting": 8}
