from dataclasses import replace

import pytest
from sqlalchemy import text
from toy_epochs import an_epoch
from toy_store import FOREVER, WAITING, a_plan, add_study

from lrlc_nas.errors import FencedError, StorageError
from lrlc_nas.facts import EndCause, Role, RunState
from lrlc_nas.runs.items import pack_items
from lrlc_nas.store import (
    NewRun,
    claim,
    finish,
    note,
    plan_run,
    progress,
    record_epoch,
    release,
    release_dead,
    renew,
    set_trial,
    this_process,
)


def only_run(store, study, number=0):
    return store.runs(study)[number]


def taken_over(store, study):
    """An attempt that another one has replaced, and that one."""
    stale = claim(store, study, "first", FOREVER)
    release(store, stale)
    return stale, claim(store, study, "second", FOREVER)


def test_runs_are_claimed_in_order_and_each_once(store, study):
    held = [claim(store, study, "me", FOREVER) for _ in range(4)]
    assert [h and h.run.number for h in held] == [0, 1, 2, None]
    assert [run.state for run in store.runs(study)] == ["running"] * 3
    assert [run.attempt for run in store.runs(study)] == [1, 1, 1]


def test_a_run_without_a_trial_is_left_to_whoever_makes_it(store):
    study = add_study(store, [WAITING] * 2, trials=False)
    set_trial(store, study, 1, 5)
    assert claim(store, study, "me", FOREVER).run.number == 1
    assert claim(store, study, "me", FOREVER) is None
    assert not store.is_done(study)


def test_a_trial_is_tied_to_a_run_once(store):
    study = add_study(store, [WAITING], trials=False)
    assert set_trial(store, study, 0, 5)
    assert not set_trial(store, study, 0, 6)
    assert set_trial(store, study, 0, 5), "whoever else made the tie, it is the one that was asked for"
    assert only_run(store, study).trial_id == 5


def test_an_expired_lease_can_be_claimed_and_a_running_one_cannot(store, later):
    study = add_study(store, [WAITING])
    first = claim(store, study, "first", 20.0)
    assert claim(store, study, "second", FOREVER) is None
    later(25.0)
    second = claim(store, study, "second", FOREVER)
    assert (second.run.run_id, second.attempt) == (first.run.run_id, 2)


def test_a_renewed_lease_lasts_its_full_time_again(store, later):
    study = add_study(store, [WAITING])
    held = claim(store, study, "first", 40.0)
    later(25.0)
    renew(store, held)
    later(25.0)
    assert claim(store, study, "second", FOREVER) is None


def test_an_expired_lease_that_nobody_took_can_be_renewed(store):
    study = add_study(store, [WAITING])
    held = claim(store, study, "first", 0.0)
    renew(store, held)
    record_epoch(store, held, an_epoch(0))


def test_leases_go_by_the_clock_of_the_database(store, monkeypatch):
    study = add_study(store, [WAITING])
    claim(store, study, "first", FOREVER)
    monkeypatch.setattr("time.time", lambda: 2e10)
    assert claim(store, study, "second", FOREVER) is None


def test_a_released_run_waits_and_can_be_claimed_at_once(store):
    study = add_study(store, [WAITING])
    release(store, claim(store, study, "first", FOREVER))
    assert [run.state for run in store.runs(study)] == ["waiting"]


def test_a_run_that_was_taken_over_is_held_by_the_next_attempt(store):
    study = add_study(store, [WAITING])
    stale, held = taken_over(store, study)
    assert (held.run.number, held.attempt) == (stale.run.number, 2)


STALE_WRITES = {
    "renew": lambda store, held: renew(store, held),
    "plan": lambda store, held: plan_run(store, held, a_plan(2), 10, 20),
    "record": lambda store, held: record_epoch(store, held, an_epoch(0)),
    "finish": lambda store, held: finish(store, held, "complete", value=0.5, facts={}),
    "note": lambda store, held: note(store, held, {"audit": 2}),
}


@pytest.mark.parametrize("write", STALE_WRITES.values(), ids=STALE_WRITES)
def test_a_stale_attempt_writes_nothing(store, study, write):
    stale, _ = taken_over(store, study)
    before = store.runs(study)
    with pytest.raises(FencedError, match="run 0: another worker has claimed it after attempt 1"):
        write(store, stale)
    assert store.runs(study) == before
    assert store.epochs(study) == {}


def test_a_stale_attempt_cannot_release_the_run_of_another(store, study):
    stale, _ = taken_over(store, study)
    release(store, stale)
    assert claim(store, study, "third", FOREVER).run.number == 1


def test_a_stale_attempt_may_not_repeat_what_its_successor_recorded(store, study):
    stale, held = taken_over(store, study)
    record_epoch(store, held, an_epoch(0))
    with pytest.raises(FencedError):
        record_epoch(store, stale, an_epoch(0))
    finish(store, held, "complete", value=0.5, facts={})
    with pytest.raises(FencedError):
        finish(store, stale, "failed", value=None, facts={})
    assert only_run(store, study).state == "complete"


def test_recording_and_ending_may_be_repeated(store, study):
    held = claim(store, study, "me", FOREVER)
    epochs = [an_epoch(number, value=number / 4) for number in range(2)]
    for _ in range(2):
        for epoch in epochs:
            record_epoch(store, held, epoch)
    assert store.run_epochs(held.run) == epochs
    assert only_run(store, study).epoch == 2
    for _ in range(2):
        ended = {"cause": EndCause.BEHIND, "reason": "words", "facts": {"device": "cpu"}}
        finish(store, held, RunState.PRUNED, value=0.25, **ended)
    record_epoch(store, held, epochs[1])
    run = only_run(store, study)
    assert (run.state, run.cause, run.value) == (RunState.PRUNED, EndCause.BEHIND, 0.25)
    assert (run.reason, run.facts) == ("words", {"device": "cpu"})


def test_what_was_noted_first_stays_whoever_comes_later(store, study):
    held = claim(store, study, "me", FOREVER)
    note(store, held, {"audit": 1})
    note(store, held, {"audit": 2, "other": "x"})
    release(store, held)
    held = claim(store, study, "next", FOREVER)
    assert held.run.facts == {"audit": 1, "other": "x"}
    finish(store, held, "complete", value=0.5, facts={"audit": 0, "device": "cpu"})
    assert only_run(store, study).facts == {"audit": 1, "other": "x", "device": "cpu"}


def test_an_epoch_cannot_be_skipped(store, study):
    held = claim(store, study, "me", FOREVER)
    with pytest.raises(FencedError):
        record_epoch(store, held, an_epoch(1))
    assert store.epochs(study) == {}


def test_an_ended_run_is_never_claimed_again(store):
    study = add_study(store, [WAITING])
    held = claim(store, study, "me", FOREVER)
    finish(store, held, "failed", value=None, reason="error", facts={})
    release(store, held)
    assert claim(store, study, "me", FOREVER) is None
    assert store.is_done(study)


def test_an_ended_run_changes_no_more(store):
    study = add_study(store, [WAITING])
    held = claim(store, study, "me", FOREVER)
    finish(store, held, "complete", value=0.5, facts={})
    ended = store.runs(study)
    finish(store, held, "failed", value=None, reason="again", facts={})
    for write in (STALE_WRITES["plan"], STALE_WRITES["record"], STALE_WRITES["renew"], STALE_WRITES["note"]):
        with pytest.raises(FencedError):
            write(store, held)
    assert store.runs(study) == ended
    assert store.epochs(study) == {}


def test_recording_an_epoch_renews_the_lease(store, later):
    study = add_study(store, [WAITING])
    held = claim(store, study, "me", 40.0)
    later(25.0)
    record_epoch(store, held, an_epoch(0))
    later(25.0)
    assert claim(store, study, "other", FOREVER) is None


def test_a_plan_is_reserved_once_in_a_study(store, study):
    first, second = (claim(store, study, "me", FOREVER) for _ in range(2))
    assert plan_run(store, first, a_plan(2), 10, 20)
    assert not plan_run(store, second, a_plan(2), 10, 20)
    assert only_run(store, study, 1).plan is None
    assert plan_run(store, second, a_plan(3), 11, 2**40)
    run = only_run(store, study, 1)
    assert (run.plan, run.parameters, run.macs) == (a_plan(3), 11, 2**40)


def test_two_studies_may_train_one_plan(store, study):
    other = add_study(store, [WAITING], name="other")
    for each in (study, other):
        assert plan_run(store, claim(store, each, "me", FOREVER), a_plan(2), 10, 20)


def test_repeats_of_one_plan_are_runs_of_their_own(store):
    plan = a_plan(2)
    study = add_study(store, [NewRun(Role.HOST, 0, repeat, plan, 1, 2) for repeat in range(2)])
    assert [run.plan for run in store.runs(study)] == [plan, plan]


def test_claims_of_the_dead_are_given_back_and_those_of_the_living_are_not(store, study):
    host, pid, started = this_process().split("/")
    reused = f"{host}/{pid}/{float(started) - 50}"
    for worker in (this_process(), reused, "me"):
        claim(store, study, worker, FOREVER)
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE nas_run SET worker_id = 'another-{host}/1/1.00' WHERE number = 2"))
    assert release_dead(store, study) == 1
    assert [run.state for run in store.runs(study)] == ["running", "waiting", "running"]


def crashes(store):
    with store.engine.connect() as connection:
        return [*connection.execute(text("SELECT crash_count FROM nas_run ORDER BY number")).scalars()]


def die(store, study):
    """Claim a run as a process of this machine that has ended."""
    host, pid, started = this_process().split("/")
    return claim(store, study, f"{host}/{pid}/{float(started) - 50}", FOREVER)


def test_a_claim_that_its_worker_gave_back_is_no_crash(store, study):
    for _ in range(3):
        release(store, claim(store, study, "me", FOREVER))
    assert claim(store, study, "me", FOREVER).crash_count == 0


def test_a_claim_that_has_expired_is_a_crash(store, study):
    for number in range(3):
        held = claim(store, study, "me", -1.0)
        assert (held.run.number, held.crash_count) == (0, number)


def test_a_worker_that_has_ended_on_this_machine_is_a_crash(store, study):
    for number in range(3):
        assert die(store, study).crash_count == number
        release_dead(store, study)
        assert crashes(store) == [number + 1, 0, 0]
        assert release_dead(store, study) == 0
        assert crashes(store) == [number + 1, 0, 0]


def test_who_has_ended_a_worker_himself_counts_no_crash(store, study):
    die(store, study)
    assert release_dead(store, study, counted=False) == 1
    assert crashes(store) == [0, 0, 0]


def test_an_epoch_makes_up_for_all_crashes_before_it(store, study):
    for _ in range(3):
        die(store, study)
        release_dead(store, study)
    held = claim(store, study, "me", FOREVER)
    assert held.crash_count == 3
    record_epoch(store, held, an_epoch(0))
    assert crashes(store) == [0, 0, 0]


def test_progress_is_never_twice_the_same(store, study):
    seen = [progress(store, study)]
    for epoch in range(2):
        for _ in range(2):
            die(store, study)
            release_dead(store, study)
            seen.append(progress(store, study))
        held = claim(store, study, "me", FOREVER)
        record_epoch(store, held, an_epoch(epoch))
        release(store, held)
        seen.append(progress(store, study))
    held = claim(store, study, "me", FOREVER)
    assert progress(store, study) == seen[-1], "a claim is no progress"
    finish(store, held, "complete", value=0.5, facts={})
    assert len({*seen, progress(store, study)}) == len(seen) + 1


def test_the_scores_of_the_samples_are_those_of_the_last_epoch(store, study):
    held = claim(store, study, "me", FOREVER)
    record_epoch(store, held, replace(an_epoch(0), items=pack_items([0.0, 1.0])))
    record_epoch(store, held, replace(an_epoch(1), items=pack_items([0.5, 0.25])))
    record_epoch(store, held, replace(an_epoch(1), items=pack_items([9.0, 9.0])))  # repeated, which changes nothing
    assert {run: items.tolist() for run, items in store.items(study).items()} == {held.run.run_id: [0.5, 0.25]}
    record_epoch(store, held, an_epoch(2))
    assert store.items(study) == {}, "older ones would not be those of the value"


def test_scores_of_samples_that_are_damaged_are_one_line(store, study):
    record_epoch(store, claim(store, study, "me", FOREVER), replace(an_epoch(0), items=pack_items([0.5])))
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE nas_items SET items = 'x'"))
    with pytest.raises(StorageError, match="damaged"):
        store.items(study)
