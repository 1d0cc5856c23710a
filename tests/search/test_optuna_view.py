import logging
import sqlite3
from contextlib import closing
from dataclasses import replace

import optuna
import pytest
import toy_study
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import text
from toy_epochs import an_epoch

from lrlc_nas.choices import Plan
from lrlc_nas.engine import catch_up, start_study
from lrlc_nas.errors import InputError, StorageError
from lrlc_nas.search.optuna_view import OptunaView, create_optuna_tables
from lrlc_nas.store import Store, claim, finish, plan_run, record_epoch

PLAN = Plan.of({"first": "lc", "second": "lrlc-3"})
ATTRIBUTES = {"plan": str(PLAN), "parameters": 5}


@pytest.fixture
def view(store, study):
    return OptunaView(store, "toy", study.record.space)


def trials(view):
    return view.study.get_trials()


def epochs_of(run, number=2):
    return [an_epoch(e, 0.25 * (e + 1)) for e in range(number)]


def test_a_new_study_has_a_waiting_trial_for_each_run(store, study, view):
    assert [t.state for t in trials(view)] == [TrialState.WAITING] * toy_study.TRIALS
    runs = store.runs(study.record)
    assert [t.user_attrs for t in trials(view)] == [{"slot": run.number, "role": run.role} for run in runs]
    assert [t._trial_id for t in trials(view)] == [run.trial_id for run in runs]
    assert view.study.direction.name == "MAXIMIZE"


def test_an_uninterrupted_study_is_the_same_on_both_sides(uninterrupted):
    toy_study.assert_mirrored(uninterrupted)


# A run's way through both sides, call by call. A worker may be killed between any two of them.
WAY = {
    "begin": lambda store, held, run, view: view.begin(run),
    "plan": lambda store, held, run, view: plan_run(store, held, PLAN, 5, 6),
    "show": lambda store, held, run, view: view.show_plan(run, ATTRIBUTES),
    "record 0": lambda store, held, run, view: record_epoch(store, held, epochs_of(run)[0]),
    "report 0": lambda store, held, run, view: view.report(run, 0, 0.25),
    "record 1": lambda store, held, run, view: record_epoch(store, held, epochs_of(run)[1]),
    "report 1": lambda store, held, run, view: view.report(run, 1, 0.5),
    "finish": lambda store, held, run, view: finish(store, held, "pruned", value=0.5, reason="behind", facts={}),
    "end": lambda store, held, run, view: view.end(replace(run, state="pruned", value=0.5, reason="behind")),
}


def claimed(store, study, view):
    """The first run whose plan the sampler decides."""
    while (held := claim(store, study.record, "me", 3600.0)).run.plan is not None:
        finish(store, held, "complete", value=0.1, facts={})
    return held, replace(held.run, plan=PLAN)


@pytest.mark.parametrize("last", WAY)
def test_whatever_the_last_call_was_a_repetition_and_catching_up_mend_it(store, study, view, last):
    held, run = claimed(store, study, view)
    for name, call in WAY.items():
        call(store, held, run, view)
        if name == last:
            break
    for name, call in WAY.items():
        if name == "plan" and store.runs(study.record)[run.number].plan is not None:
            continue
        call(store, held, run, view)
    catch_up(study)
    trial = trials(view)[run.number]
    assert (trial.state, trial.value, trial.params) == (TrialState.PRUNED, 0.5, PLAN.tokens)
    assert trial.intermediate_values == {0: 0.25, 1: 0.5}
    assert trial.user_attrs | ATTRIBUTES | {"reason": "behind"} == trial.user_attrs


OURS = ("plan", "record 0", "record 1", "finish")


@pytest.mark.parametrize("kept", [(), ("begin",), ("begin", "show"), ("begin", "show", "report 0")], ids=str)
def test_what_optuna_missed_of_an_ended_run_is_made_up_for(store, study, view, kept):
    held, run = claimed(store, study, view)
    for name, call in WAY.items():
        if name in OURS or name in kept:
            call(store, held, run, view)
    assert not trials(view)[run.number].state.is_finished()
    catch_up(study)
    trial = trials(view)[run.number]
    assert (trial.state, trial.value, trial.params) == (TrialState.PRUNED, 0.5, PLAN.tokens)
    assert trial.intermediate_values == {0: 0.25, 1: 0.5}
    before = trials(view)
    catch_up(study)
    assert trials(view) == before


def test_a_failed_run_has_no_value_on_optunas_side(store, study, view):
    held = claim(store, study.record, "me", 3600.0)
    record_epoch(store, held, epochs_of(held.run)[0])
    finish(store, held, "failed", value=0.25, reason="error: x", facts={})
    catch_up(study)
    trial = trials(view)[held.run.number]
    assert (trial.state, trial.value, trial.intermediate_values) == (TrialState.FAIL, None, {0: 0.25})
    assert trial.user_attrs["reason"] == "error: x"
    optuna.create_study().add_trial(trial)  # Optuna checks it


def test_trials_that_nobody_tied_are_used_and_not_made_again(store, study, view):
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE nas_run SET trial_id = NULL WHERE number > 5"))
    view.study.enqueue_trial({}, user_attrs={"by": "the user"})
    catch_up(study)
    assert [run.trial_id for run in store.runs(study.record)] == [t._trial_id for t in trials(view)[: toy_study.TRIALS]]
    assert len(trials(view)) == toy_study.TRIALS + 1


def test_of_two_that_make_one_trial_the_later_gives_way(store, study, view):
    run = store.runs(study.record)[3]
    view._storage.set_trial_state_values(run.trial_id, TrialState.RUNNING)
    view.end(replace(run, state="failed"))
    view.add_trials(store, study.record, [replace(run, trial_id=None)])
    assert store.runs(study.record)[3].trial_id == run.trial_id
    assert trials(view)[-1].state == TrialState.FAIL


def test_the_later_may_find_that_another_one_has_ended_its_trial(store, study, view, monkeypatch):
    """A third process catches up between the loser's making of the trial and its giving way."""
    run = store.runs(study.record)[3]
    view._storage.set_trial_state_values(run.trial_id, TrialState.RUNNING)
    view.end(replace(run, state="failed"))
    make = view._new_trial

    def make_and_be_overtaken(run):
        trial_id = make(run)
        catch_up(study)
        return trial_id

    monkeypatch.setattr(view, "_new_trial", make_and_be_overtaken)
    view.add_trials(store, study.record, [replace(run, trial_id=None)])
    assert store.runs(study.record)[3].trial_id == run.trial_id
    assert [trial.state for trial in trials(view)[toy_study.TRIALS :]] == [TrialState.FAIL]


def test_a_trial_that_another_one_has_tied_in_the_meantime_goes_on(store, study, view):
    """Two raise the total at once: one sees the trial that the other has made and is about to tie."""
    run = store.runs(study.record)[3]
    view.add_trials(store, study.record, [replace(run, trial_id=None)])
    assert len(trials(view)) == toy_study.TRIALS
    assert trials(view)[3].state == TrialState.WAITING


def test_a_trial_whose_run_has_another_one_is_ended(store, study, view):
    """Its maker was killed when it found the run tied, and before it could end its own."""
    view._new_trial(store.runs(study.record)[3])
    view.study.enqueue_trial({}, user_attrs={"by": "the user"})
    catch_up(study)
    states = [trial.state for trial in trials(view)]
    assert states == [TrialState.WAITING] * toy_study.TRIALS + [TrialState.FAIL, TrialState.WAITING]


def test_a_study_of_the_users_own_is_refused_and_left_alone(store):
    optuna.create_study(study_name="toy", storage=str(store.url))
    message = r"study 'toy': sqlite:///\S+ holds an Optuna study of this name that lrlc-nas did not make"
    with pytest.raises(InputError, match=message):
        start_study(store, toy_study.config())
    assert store.names() == []


def test_a_study_of_the_users_own_beside_ours_is_no_trouble(store):
    optuna.create_study(study_name="mine", storage=str(store.url)).enqueue_trial({})
    start_study(store, toy_study.config())
    assert sorted(optuna.get_all_study_names(str(store.url))) == ["mine", "toy"]


def test_a_study_that_was_deleted_under_us_is_named(store, study):
    optuna.delete_study(study_name="toy", storage=str(store.url))
    with pytest.raises(InputError, match=r"study 'toy': its Optuna study was deleted from sqlite:///"):
        OptunaView(store, "toy", study.record.space)


def test_tables_of_another_optuna_are_one_clear_line(store):
    optuna.create_study(study_name="mine", storage=str(store.url))
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v99.a'"))
    with pytest.raises(StorageError, match=r"^storage sqlite:///\S+: its Optuna tables were made by Optuna"):
        start_study(store, toy_study.config())
    assert store.names() == []


def test_braces_in_the_url_are_no_template(tmp_path):
    folder = tmp_path / "a{b}c"
    folder.mkdir()
    store = Store(f"sqlite:///{folder}/studies.db")
    start_study(store, toy_study.config())
    assert sorted(path.name for path in tmp_path.rglob("*.db")) == ["studies.db"]
    assert store.names() == ["toy"]


def test_optuna_is_told_to_be_quiet(view):
    assert optuna.logging.get_verbosity() == logging.WARNING


def test_the_tables_are_those_that_optuna_makes(tmp_path):
    def content(path):
        queries = [
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'nas%' ORDER BY name",
            "SELECT * FROM version_info",
            "SELECT * FROM alembic_version",
        ]
        with closing(sqlite3.connect(path)) as connection:
            return [connection.execute(query).fetchall() for query in queries]

    RDBStorage(f"sqlite:///{tmp_path}/optunas.db").engine.dispose()
    store = Store(f"sqlite:///{tmp_path}/ours.db")
    for _ in range(2):
        create_optuna_tables(store)
    store.engine.dispose()
    assert content(tmp_path / "ours.db") == content(tmp_path / "optunas.db")
